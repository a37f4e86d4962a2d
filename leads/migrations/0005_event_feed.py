"""Each transaction that writes events marks from which number on it may still do so (see leads/services/feed.py)."""

from django.db import migrations

MARK = """
CREATE FUNCTION leads_event_feed_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Once per transaction: the setting is undone together with the lock if a savepoint is rolled back.
    IF coalesce(current_setting('leadmgmt.feed_mark', true), '') = '' THEN
        PERFORM pg_advisory_xact_lock_shared(
            (7105894::bigint << 40) | (SELECT last_value - (NOT is_called)::int FROM leads_leadevent_id_seq)
        );
        PERFORM set_config('leadmgmt.feed_mark', '1', true);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER leads_event_feed_mark BEFORE INSERT ON leads_leadevent
    FOR EACH STATEMENT EXECUTE FUNCTION leads_event_feed_mark();
"""
UNMARK = """
DROP TRIGGER leads_event_feed_mark ON leads_leadevent;
DROP FUNCTION leads_event_feed_mark();
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0004_capture_retries")]

    operations = [migrations.RunSQL(MARK, UNMARK)]
