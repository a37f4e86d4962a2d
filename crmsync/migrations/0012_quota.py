"""What a CRM tells of its limits is kept, and what waits for a quieter hour can be told to wait."""

from django.db import migrations, models

BEFORE = "parked_until,parked_since,last_push_at,last_pull_at,canary_left,schema,schema_at,paused_fields,last_error,skew_seconds"
NOW = f"{BEFORE},quota_left,quota_most,quota_at,told_rate,poll_calls"


def watch(left_out: str) -> str:
    """What moves by itself is no change of the configuration."""
    return f"CALL leads_watch('crmsync_connection', '{left_out}', 'secret')"


class Migration(migrations.Migration):
    dependencies = [("crmsync", "0011_apart")]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, watch(BEFORE)),
        migrations.AddField(
            "connection", "quota_left", models.PositiveIntegerField(blank=True, editable=False, null=True)
        ),
        migrations.AddField(
            "connection", "quota_most", models.PositiveIntegerField(blank=True, editable=False, null=True)
        ),
        migrations.AddField("connection", "quota_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddField(
            "connection",
            "told_rate",
            models.FloatField(blank=True, editable=False, help_text="Calls a second.", null=True),
        ),
        migrations.AddField(
            "connection",
            "poll_calls",
            models.PositiveSmallIntegerField(default=0, editable=False, help_text="What the last poll cost."),
        ),
        migrations.AddField(
            "connection",
            "is_filling",
            models.BooleanField(
                default=True, editable=False, help_text="Whether deals that were there before are being sent."
            ),
        ),
        migrations.RunSQL(watch(NOW), migrations.RunSQL.noop),
        migrations.AlterField(
            "alert",
            "kind",
            models.CharField(
                choices=[
                    ("old", "Changes wait too long"),
                    ("dead", "Changes were given up"),
                    ("held", "Changes wait for a person"),
                    ("apart", "Deals have lost their record"),
                    ("resting", "The CRM does not answer"),
                    ("lag", "Reading lags behind"),
                    ("skew", "The clocks differ"),
                    ("drift", "Both sides differ"),
                    ("silent", "Webhooks are silent"),
                    ("quota", "The day's calls run out"),
                    ("routing", "Accounts cannot be read"),
                ],
                max_length=8,
            ),
        ),
    ]
