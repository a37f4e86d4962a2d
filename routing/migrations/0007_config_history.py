"""Hours, absences, reps, shares and pools are kept as they were, by triggers."""

from django.db import migrations

# Table → its columns that say who takes leads when. What a decision itself moves is not among them.
KEPT = {
    "routing_rep": "user_id, is_accepting, holiday_region, max_open_leads, max_per_day, languages, countries, tags",
    "routing_shift": "rep_id, weekday, starts_at, ends_at",
    "routing_absence": "rep_id, starts_at, ends_at, cover_id",
    "routing_poolmember": "pool_id, rep_id, weight, left_at, joined_at, ramp_days, ramp_from",
    "routing_pool": "strategy, is_active",
    "leads_user": "time_zone, is_active",
}
FUNCTION = """
CREATE FUNCTION routing_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb;
    after jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        EXECUTE format('SELECT to_jsonb(kept) FROM (SELECT %s FROM (SELECT ($1).*) AS one) AS kept', TG_ARGV[0])
            INTO before USING OLD;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        EXECUTE format('SELECT to_jsonb(kept) FROM (SELECT %s FROM (SELECT ($1).*) AS one) AS kept', TG_ARGV[0])
            INTO after USING NEW;
    END IF;
    IF before IS DISTINCT FROM after THEN
        INSERT INTO routing_confighistory (source, row_id, data, at)
        VALUES (TG_TABLE_NAME, coalesce(NEW.id, OLD.id), after, clock_timestamp());
    END IF;
    RETURN NULL;
END
$$;
"""
# A balance moves with each lead: looked at are the columns alone that are kept.
TRIGGERS = "".join(
    f"""
CREATE TRIGGER routing_history_changed AFTER UPDATE OF {columns} ON {table}
    FOR EACH ROW EXECUTE FUNCTION routing_keep_history('{columns}');
CREATE TRIGGER routing_history_came AFTER INSERT OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION routing_keep_history('{columns}');
INSERT INTO routing_confighistory (source, row_id, data, at)
    SELECT '{table}', id, (SELECT to_jsonb(kept) FROM (SELECT {columns}) AS kept), NULL FROM {table};
"""  # noqa: S608  # words of our own
    for table, columns in KEPT.items()
)
AWAY = (
    "".join(
        f"DROP TRIGGER IF EXISTS routing_history_{what} ON {table};" for table in KEPT for what in ("changed", "came")
    )
    + "DROP FUNCTION routing_keep_history();"
)


class Migration(migrations.Migration):
    dependencies = [("routing", "0006_replays"), ("leads", "0016_company_linkedin")]

    operations = [migrations.RunSQL(FUNCTION + TRIGGERS, AWAY)]
