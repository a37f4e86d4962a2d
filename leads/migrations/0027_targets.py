"""What teams want to reach in a month."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0026_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Target",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("kept", "Promises kept, %"),
                            ("contacted", "Leads contacted, %"),
                            ("first_touch", "Median first touch, minutes"),
                            ("sqls", "SQLs a month"),
                            ("accepted", "Handoffs accepted, %"),
                            ("revenue", "Revenue a month"),
                        ],
                        max_length=12,
                        verbose_name="measure",
                    ),
                ),
                (
                    "value",
                    models.DecimalField(
                        decimal_places=2,
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="value",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="targets",
                        to="leads.team",
                    ),
                ),
            ],
            options={
                "ordering": ["measure"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("team__isnull", False)),
                        fields=("team", "measure"),
                        name="leads_target_of_team",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("team", None)), fields=("measure",), name="leads_target_of_all"
                    ),
                    models.CheckConstraint(condition=models.Q(("value__gte", 0)), name="leads_target_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("measure__in", ["kept", "contacted", "accepted"]), _negated=True),
                            ("value__lte", 100),
                            _connector="OR",
                        ),
                        name="leads_target_share",
                    ),
                ],
            },
        ),
        migrations.RunSQL("CALL leads_watch('leads_target', '', '')", migrations.RunSQL.noop),
    ]
