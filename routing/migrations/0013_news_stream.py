"""News on screen nudges the streams (leadmgmt/core/streams.py)."""

from django.db import migrations

NUDGE = """
CREATE FUNCTION routing_nudge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('leadmgmt_news', NEW.user_id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER routing_nudge AFTER INSERT ON routing_notification
    FOR EACH ROW WHEN (NEW.way = 'in_app') EXECUTE FUNCTION routing_nudge();
"""
NO_NUDGE = "DROP FUNCTION routing_nudge() CASCADE"


class Migration(migrations.Migration):
    dependencies = [("routing", "0012_attempts")]

    operations = [migrations.RunSQL(NUDGE, NO_NUDGE)]
