"""Versions of the ideal customer profile."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("qualification", "0008_prediction"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IcpVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(unique=True, verbose_name="version")),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "Proposed"), ("adopted", "Adopted"), ("archived", "Archived")],
                        default="proposed",
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("made_at", models.DateTimeField(verbose_name="learned")),
                ("wins", models.PositiveIntegerField(verbose_name="deals won")),
                ("losses", models.PositiveIntegerField(verbose_name="deals lost")),
                ("traits", models.JSONField(default=list, verbose_name="traits")),
                ("adopted_at", models.DateTimeField(blank=True, null=True, verbose_name="adopted")),
                (
                    "adopted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "scoring",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="qualification.scoringmodel",
                    ),
                ),
            ],
            options={
                "ordering": ["-version"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "adopted")),
                        fields=("status",),
                        name="qualification_icpversion_one_adopted",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "proposed")),
                        fields=("status",),
                        name="qualification_icpversion_one_proposed",
                    ),
                ],
            },
        ),
    ]
