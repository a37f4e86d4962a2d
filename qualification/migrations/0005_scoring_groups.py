"""Groups with caps, and scoring all open leads anew."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0004_configuration_stamps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="scoringmodel",
            name="groups",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Rules that share a cap: key, label_en, label_de, most.",
                verbose_name="groups",
            ),
        ),
        migrations.AddField(
            model_name="scoringmodel",
            name="note",
            field=models.CharField(blank=True, max_length=200, verbose_name="what changed"),
        ),
        migrations.AddField(
            model_name="scoringmodel",
            name="published_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="RescoreRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done"), ("stopped", "Stopped")],
                        default="running",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "after",
                    models.BigIntegerField(
                        default=0, help_text="The last lead that was scored; the job goes on after it."
                    ),
                ),
                ("done", models.PositiveIntegerField(default=0, verbose_name="leads scored")),
                ("moved", models.PositiveIntegerField(default=0, verbose_name="leads of another grade")),
                ("total", models.PositiveIntegerField(default=0, verbose_name="of")),
                ("asked_at", models.DateTimeField(verbose_name="asked")),
                ("heard_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rescorings",
                        to="qualification.scoringmodel",
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running")),
                        fields=("state",),
                        name="qualification_rescorerun_one_running",
                    )
                ],
            },
        ),
    ]
