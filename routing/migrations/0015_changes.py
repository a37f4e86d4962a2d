"""Changes of the configuration are kept (see leads/migrations/0026_changes.py)."""

from django.db import migrations

WATCHED = (
    ("routing_pool", "", ""),
    ("routing_poolmember", "balance,last_assigned_at", ""),
    ("routing_rep", "", ""),
    ("routing_shift", "", ""),
    ("routing_absence", "handed_at,returned_at", ""),
    ("routing_repcap", "", ""),
    ("routing_ruleset", "canary_looks,created_at", ""),
    ("routing_rule", "", ""),
    ("routing_slapolicy", "", ""),
)
WATCH = "".join(f"CALL leads_watch('{table}', '{moving}', '{secret}');" for table, moving, secret in WATCHED)
FORGET = "".join(
    f"DROP TRIGGER IF EXISTS leads_change_{what} ON {table};" for table, _, _ in WATCHED for what in ("came", "changed")
)


class Migration(migrations.Migration):
    dependencies = [("leads", "0026_changes"), ("routing", "0014_history_of_caps")]

    operations = [migrations.RunSQL(WATCH, FORGET)]
