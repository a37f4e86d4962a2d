"""Reasons of a score are kept by the keys of their rules."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0016_segments"),
    ]

    operations = [
        migrations.AlterField(
            model_name="score",
            name="reasons",
            field=models.JSONField(
                default=list, help_text="by rule: its key, points, and the facts that gave them", verbose_name="reasons"
            ),
        ),
    ]
