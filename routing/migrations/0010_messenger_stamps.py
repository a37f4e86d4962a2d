"""Stamps for preferences and messengers (see leads/configuration.py)."""

from django.db import migrations

TABLES = ["routing_notifypreference", "routing_messenger"]
STAMPS = "CALL leads_stamp_table(ARRAY[{}])".format(", ".join(f"'{table}'" for table in TABLES))
NO_STAMPS = "".join(
    f"DROP TRIGGER IF EXISTS leads_stamp_{what} ON {table};" for table in TABLES for what in ("more", "other", "none")
)


class Migration(migrations.Migration):
    dependencies = [("routing", "0009_messengers")]

    operations = [migrations.RunSQL(STAMPS, NO_STAMPS)]
