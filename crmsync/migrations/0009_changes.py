"""Changes of the configuration are kept (see leads/migrations/0026_changes.py)."""

from django.db import migrations

WATCHED = (
    (
        "crmsync_connection",
        "breaker_open_until,failures_in_a_row,last_push_at,last_pull_at,canary_left,schema,schema_at,paused_fields,last_error,failing_since,skew_seconds",
        "secret",
    ),
    ("crmsync_stagemap", "", ""),
    ("crmsync_lossreasonmap", "", ""),
    ("crmsync_handoffrule", "", ""),
    ("crmsync_handoffrule_people", "", ""),
)
WATCH = "".join(f"CALL leads_watch('{table}', '{moving}', '{secret}');" for table, moving, secret in WATCHED)
FORGET = "".join(
    f"DROP TRIGGER IF EXISTS leads_change_{what} ON {table};" for table, _, _ in WATCHED for what in ("came", "changed")
)


class Migration(migrations.Migration):
    dependencies = [("leads", "0026_changes"), ("crmsync", "0008_handoffs_and_accounts")]

    operations = [migrations.RunSQL(WATCH, FORGET)]
