"""Each table of configuration gets a stamp that changes with it (see leads/configuration.py)."""

from django.db import migrations

STAMPS = """
CREATE TABLE leads_stamp (stamp uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
CREATE FUNCTION leads_stamp_anew() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fresh uuid;
BEGIN
    -- A new row instead of a new value in one: two who change different rows of a table must not wait for each other.
    -- Random, not counted: a number would come back after a rollback, and stand for something else then.
    INSERT INTO leads_stamp (name) VALUES (TG_TABLE_NAME) RETURNING stamp INTO fresh;
    DELETE FROM leads_stamp WHERE stamp IN (
        SELECT stamp FROM leads_stamp WHERE name = TG_TABLE_NAME AND stamp <> fresh FOR UPDATE SKIP LOCKED
    );
    RETURN NULL;
END
$$;
CREATE PROCEDURE leads_stamp_table(tables text[]) LANGUAGE plpgsql AS $$
DECLARE
    of_table text;
BEGIN
    FOREACH of_table IN ARRAY tables LOOP
        EXECUTE format('CREATE TRIGGER leads_stamp_more AFTER INSERT OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION leads_stamp_anew()', of_table);
        EXECUTE format('CREATE TRIGGER leads_stamp_other AFTER UPDATE ON %I
                        FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
                        EXECUTE FUNCTION leads_stamp_anew()', of_table);
        EXECUTE format('CREATE TRIGGER leads_stamp_none AFTER TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION leads_stamp_anew()', of_table);
        INSERT INTO leads_stamp (name) VALUES (of_table);
    END LOOP;
END
$$;
CALL leads_stamp_table(ARRAY['leads_provider', 'leads_channel', 'leads_team']);
"""
# A provider's failures are counted while it is down, which changes nothing in how it is asked.
BUT_FAILURES = """
DROP TRIGGER leads_stamp_other ON leads_provider;
CREATE TRIGGER leads_stamp_other AFTER UPDATE ON leads_provider
    FOR EACH ROW WHEN ((to_jsonb(OLD.*) - 'failures') IS DISTINCT FROM (to_jsonb(NEW.*) - 'failures'))
    EXECUTE FUNCTION leads_stamp_anew();
"""
NO_STAMPS = """
DROP FUNCTION leads_stamp_anew() CASCADE;
DROP PROCEDURE leads_stamp_table(text[]);
DROP TABLE leads_stamp;
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0007_list_order")]

    operations = [
        migrations.RunSQL(STAMPS, NO_STAMPS),
        migrations.RunSQL(BUT_FAILURES, migrations.RunSQL.noop),
    ]
