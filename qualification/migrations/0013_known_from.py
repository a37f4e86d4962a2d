"""From which fact a question is known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0012_nurture_programmes"),
    ]

    operations = [
        migrations.AddField(
            model_name="question",
            name="known_from",
            field=models.CharField(
                blank=True,
                help_text="A fact that answers it, such as attributes.budget.",
                max_length=120,
                verbose_name="known from",
            ),
        ),
    ]
