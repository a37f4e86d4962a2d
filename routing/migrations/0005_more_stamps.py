"""Stamps for the caps of reps (see leads/configuration.py)."""

from django.db import migrations

STAMP = "CALL leads_stamp_table(ARRAY['routing_repcap'])"
NO_STAMP = "".join(
    f"DROP TRIGGER IF EXISTS leads_stamp_{what} ON routing_repcap;" for what in ("more", "other", "none")
)


class Migration(migrations.Migration):
    dependencies = [("routing", "0004_strategies")]

    operations = [migrations.RunSQL(STAMP, NO_STAMP)]
