"""Scores that say only what has changed, and lanes in which several jobs score anew."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

LANES = 8


def lanes_of_what_runs(apps: Any, schema_editor: Any) -> None:
    """A run that goes on begins again, in lanes: a lead that has its score already is not scored twice."""
    runs = apps.get_model("qualification", "RescoreRun").objects.filter(state="running")
    lane = apps.get_model("qualification", "RescoreLane")
    lane.objects.bulk_create(lane(run=run, remainder=number) for run in runs for number in range(LANES))
    runs.update(done=0, moved=0)


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0021_room_on_pages"),
        ("qualification", "0014_automatic"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="rescorerun",
            name="after",
        ),
        migrations.AddField(
            model_name="score",
            name="is_whole",
            field=models.BooleanField(default=True),
        ),
        migrations.AlterField(
            model_name="score",
            name="lead",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="scores", to="leads.lead"
            ),
        ),
        migrations.RemoveIndex(model_name="score", name="qualification_score_lead"),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(fields=["lead", "-at", "-id"], name="qualification_score_newest"),
        ),
        migrations.CreateModel(
            name="RescoreLane",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("remainder", models.PositiveSmallIntegerField()),
                (
                    "after",
                    models.BigIntegerField(
                        default=0, help_text="The last lead that was scored; the job goes on after it."
                    ),
                ),
                ("is_done", models.BooleanField(default=False)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lanes", to="qualification.rescorerun"
                    ),
                ),
            ],
            options={
                "ordering": ["remainder"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "remainder"), name="qualification_rescorelane_one_each")
                ],
            },
        ),
        migrations.RunPython(lanes_of_what_runs, migrations.RunPython.noop),
    ]
