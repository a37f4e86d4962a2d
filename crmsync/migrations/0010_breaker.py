"""Each direction of a connection rests on its own; a rate is judged by shares; an update may be unsettled."""

import django.db.models.deletion
from django.db import migrations, models

MOVING = "last_push_at,last_pull_at,canary_left,schema,schema_at,paused_fields,last_error,skew_seconds"
BEFORE = f"breaker_open_until,failures_in_a_row,failing_since,{MOVING}"
NOW = f"parked_until,parked_since,{MOVING}"


def watch(left_out: str) -> str:
    """What moves by itself is no change of the configuration."""
    return f"CALL leads_watch('crmsync_connection', '{left_out}', 'secret')"


class Migration(migrations.Migration):
    dependencies = [("crmsync", "0009_changes")]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, watch(BEFORE)),
        migrations.RenameField("connection", "breaker_open_until", "parked_until"),
        migrations.RenameField("connection", "failing_since", "parked_since"),
        migrations.RemoveField("connection", "failures_in_a_row"),
        migrations.RunSQL(watch(NOW), migrations.RunSQL.noop),
        migrations.RunSQL("DELETE FROM crmsync_ratebucket", migrations.RunSQL.noop),
        migrations.AddField("ratebucket", "judged_at", models.DateTimeField()),
        migrations.AddField("ratebucket", "calls", models.PositiveIntegerField(default=0)),
        migrations.AddField("ratebucket", "complaints", models.PositiveIntegerField(default=0)),
        migrations.AddField(
            "link",
            "unsettled_until",
            models.DateTimeField(
                blank=True,
                help_text="An update whose answer was lost may still arrive there until then; no other one is sent"
                " before.",
                null=True,
            ),
        ),
        migrations.AddField(
            "link", "unsettled_values", models.CharField(blank=True, default="", max_length=64), preserve_default=False
        ),
        migrations.AddField("link", "unsettled_tries", models.PositiveSmallIntegerField(default=0)),
        migrations.CreateModel(
            name="Breaker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(choices=[("reads", "Reads"), ("writes", "Writes")], max_length=6)),
                ("in_a_row", models.PositiveSmallIntegerField(default=0)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("window_at", models.DateTimeField(blank=True, null=True)),
                ("calls", models.PositiveIntegerField(default=0)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("open_until", models.DateTimeField(blank=True, null=True)),
                ("trials", models.PositiveSmallIntegerField(default=0)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="breakers", to="crmsync.connection"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["connection", "scope"], name="crmsync_breaker_unique"),
                    models.CheckConstraint(
                        condition=models.Q(failures__lte=models.F("calls")), name="crmsync_breaker_counts"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(window_at__isnull=False)
                        | models.Q(in_a_row=0, calls=0, open_until__isnull=True, failing_since__isnull=True),
                        name="crmsync_breaker_is_calm_or_counts",
                    ),
                ]
            },
        ),
    ]
