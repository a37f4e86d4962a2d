"""For how many days an answer to a question can be relied on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0006_override_criteria"),
    ]

    operations = [
        migrations.AddField(
            model_name="question",
            name="valid_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="After that it has to be asked again. Empty: it holds as long as the lead is worked.",
                null=True,
                verbose_name="an answer holds for days",
            ),
        ),
    ]
