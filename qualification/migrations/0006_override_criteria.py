"""A permission: moving a lead on that does not meet the criteria."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0005_scoring_groups"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="criteria",
            options={
                "permissions": [("override_criteria", "Can move a lead on that does not meet the criteria")],
                "verbose_name_plural": "criteria",
            },
        ),
    ]
