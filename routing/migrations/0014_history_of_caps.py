"""Caps by hour, week and kind are kept as they were, too."""

from django.db import migrations

REP = (
    "user_id, is_accepting, holiday_region, max_open_leads, max_per_day, max_per_hour, max_per_week, languages, "
    "countries, tags"
)
OLD_REP = "user_id, is_accepting, holiday_region, max_open_leads, max_per_day, languages, countries, tags"
CAP = "rep_id, condition, per, most"


def triggers(table: str, columns: str) -> str:
    """Keep these columns of a table."""
    return f"""
CREATE TRIGGER routing_history_changed AFTER UPDATE OF {columns} ON {table}
    FOR EACH ROW EXECUTE FUNCTION routing_keep_history('{columns}');
CREATE TRIGGER routing_history_came AFTER INSERT OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION routing_keep_history('{columns}');
"""


def no_triggers(table: str) -> str:
    """Keep none of them."""
    return "".join(f"DROP TRIGGER IF EXISTS routing_history_{what} ON {table};" for what in ("changed", "came"))


# What is configured when this begins counts from then on: who had such a cap before is not known.
NOW = f"""
INSERT INTO routing_confighistory (source, row_id, data, at)
    SELECT 'routing_rep', id, (SELECT to_jsonb(kept) FROM (SELECT {REP}) AS kept), clock_timestamp() FROM routing_rep
     WHERE max_per_hour IS NOT NULL OR max_per_week IS NOT NULL;
INSERT INTO routing_confighistory (source, row_id, data, at)
    SELECT 'routing_repcap', id, (SELECT to_jsonb(kept) FROM (SELECT {CAP}) AS kept), clock_timestamp()
      FROM routing_repcap;
"""  # noqa: S608  # words of our own
FORWARD = no_triggers("routing_rep") + triggers("routing_rep", REP) + triggers("routing_repcap", CAP) + NOW
BACK = no_triggers("routing_rep") + no_triggers("routing_repcap") + triggers("routing_rep", OLD_REP)


class Migration(migrations.Migration):
    dependencies = [("routing", "0013_news_stream")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
