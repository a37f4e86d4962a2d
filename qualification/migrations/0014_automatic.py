"""Activities that went by themselves."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0013_known_from"),
    ]

    operations = [
        migrations.AddField(
            model_name="activity",
            name="is_automatic",
            field=models.BooleanField(
                default=False, help_text="Sent by a cadence: no human touch, and no try.", verbose_name="by itself"
            ),
        ),
    ]
