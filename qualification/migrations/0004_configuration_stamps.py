"""Stamps for the tables of configuration (see leads/configuration.py)."""

from django.db import migrations

TABLES = ["qualification_scoringmodel", "qualification_criteria", "qualification_framework", "qualification_question"]
STAMPS = "CALL leads_stamp_table(ARRAY[{}])".format(", ".join(f"'{table}'" for table in TABLES))
NO_STAMPS = "".join(
    f"DROP TRIGGER IF EXISTS leads_stamp_{what} ON {table};" for table in TABLES for what in ("more", "other", "none")
)


class Migration(migrations.Migration):
    dependencies = [("leads", "0008_configuration_stamps"), ("qualification", "0003_viewing")]

    operations = [migrations.RunSQL(STAMPS, NO_STAMPS)]
