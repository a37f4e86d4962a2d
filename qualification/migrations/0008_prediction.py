"""The learned win probability, its trainings, and which version a score was predicted by."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLES = ["qualification_predictionmodel"]
STAMPS = "CALL leads_stamp_table(ARRAY[{}])".format(", ".join(f"'{table}'" for table in TABLES))
NO_STAMPS = "".join(
    f"DROP TRIGGER IF EXISTS leads_stamp_{what} ON {table};" for table in TABLES for what in ("more", "other", "none")
)


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0007_answers_hold"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PredictionFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fact", models.CharField(max_length=200, unique=True, verbose_name="fact")),
                (
                    "choice",
                    models.CharField(
                        choices=[("leave_out", "leave out"), ("allow", "use all the same")],
                        max_length=9,
                        verbose_name="choice",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="since")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["fact"],
            },
        ),
        migrations.CreateModel(
            name="PredictionModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(unique=True, verbose_name="version")),
                (
                    "status",
                    models.CharField(
                        choices=[("shadow", "Challenger"), ("published", "Champion"), ("archived", "Archived")],
                        default="shadow",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("family", models.CharField(max_length=10, verbose_name="kind")),
                ("trained_at", models.DateTimeField(verbose_name="trained")),
                ("horizon_days", models.PositiveSmallIntegerField(verbose_name="wins within days")),
                ("examples", models.PositiveIntegerField(verbose_name="leads learned from")),
                ("wins", models.PositiveIntegerField(verbose_name="wins among them")),
                (
                    "body",
                    models.JSONField(
                        help_text="Weights or trees, as `qualification.prediction` reads them.",
                        verbose_name="the model",
                    ),
                ),
                ("quality", models.JSONField(default=dict, verbose_name="quality")),
                ("refused", models.JSONField(default=list, verbose_name="refused facts")),
                ("reference", models.JSONField(default=dict, verbose_name="leads it was trained on")),
                ("drift", models.JSONField(default=dict, verbose_name="drift")),
                ("drift_at", models.DateTimeField(blank=True, null=True, verbose_name="looked for drift")),
                ("trial", models.JSONField(default=dict, verbose_name="beside the champion")),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-version"],
            },
        ),
        migrations.AddField(
            model_name="score",
            name="prediction",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="scores",
                to="qualification.predictionmodel",
            ),
        ),
        migrations.CreateModel(
            name="TrainingRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("train", "Training"), ("watch", "Looking for drift")],
                        default="train",
                        max_length=5,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("done", "Done"),
                            ("too_few", "Not enough outcomes"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("share", models.PositiveSmallIntegerField(default=0, verbose_name="done, percent")),
                ("wins", models.PositiveIntegerField(default=0, verbose_name="wins")),
                ("others", models.PositiveIntegerField(default=0, verbose_name="leads that were not won")),
                ("error", models.TextField(blank=True, verbose_name="error")),
                ("asked_at", models.DateTimeField(verbose_name="asked")),
                ("heard_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="qualification.predictionmodel",
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at", "-pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="predictionmodel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "published")),
                fields=("status",),
                name="qualification_predictionmodel_one_published",
            ),
        ),
        migrations.AddConstraint(
            model_name="predictionmodel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "shadow")),
                fields=("status",),
                name="qualification_predictionmodel_one_shadow",
            ),
        ),
        migrations.AddConstraint(
            model_name="trainingrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")),
                fields=("state",),
                name="qualification_trainingrun_one_running",
            ),
        ),
        migrations.RunSQL(STAMPS, NO_STAMPS),
    ]
