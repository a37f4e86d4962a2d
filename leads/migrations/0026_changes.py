"""Who changed what in the configuration, kept by triggers."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A table is watched with: CALL leads_watch('table', 'columns that move by themselves', 'columns that are secret').
WATCHING = """
CREATE FUNCTION leads_keep_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_out text[] := string_to_array(TG_ARGV[0], ',');
    secret text[] := string_to_array(TG_ARGV[1], ',');
    old_row jsonb := '{}';
    new_row jsonb := '{}';
    was jsonb;
    is_now jsonb;
    named jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        old_row := to_jsonb(OLD) - left_out;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_row := to_jsonb(NEW) - left_out;
    END IF;
    IF old_row = new_row THEN
        RETURN NULL;
    END IF;
    named := CASE WHEN TG_OP = 'DELETE' THEN old_row ELSE new_row END;
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN key = ANY(secret) THEN '"•••"' ELSE value END), '{}')
        INTO was FROM jsonb_each(old_row)
        WHERE value IS DISTINCT FROM new_row -> key AND (TG_OP = 'UPDATE' OR value NOT IN ('null', '""', '[]', '{}'));
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN key = ANY(secret) THEN '"•••"' ELSE value END), '{}')
        INTO is_now FROM jsonb_each(new_row)
        WHERE value IS DISTINCT FROM old_row -> key AND (TG_OP = 'UPDATE' OR value NOT IN ('null', '""', '[]', '{}'));
    INSERT INTO leads_change (at, actor_id, source, row_id, name, act, before, after, together)
    SELECT clock_timestamp(),
        (SELECT id FROM leads_user WHERE id = nullif(current_setting('leadmgmt.actor', true), '')::bigint),
        TG_TABLE_NAME, coalesce(named ->> 'id', ''),
        left(coalesce(named ->> 'name', named ->> 'label_en', named ->> 'email', named ->> 'alias', named ->> 'key',
            named ->> 'value', named ->> 'slug', named ->> 'version', ''), 200),
        CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END,
        was - 'id', is_now - 'id', pg_current_xact_id()::text::bigint;
    RETURN NULL;
END
$$;
CREATE PROCEDURE leads_watch(watched text, left_out text, secret text) LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    -- What moves by itself does not even wake the trigger.
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
        WHERE attrelid = watched::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
            AND attname <> ALL(string_to_array(left_out, ','));
    EXECUTE format('DROP TRIGGER IF EXISTS leads_change_came ON %I', watched);
    EXECUTE format('DROP TRIGGER IF EXISTS leads_change_changed ON %I', watched);
    EXECUTE format('CREATE TRIGGER leads_change_came AFTER INSERT OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION leads_keep_change(%L, %L)', watched, left_out, secret);
    EXECUTE format('CREATE TRIGGER leads_change_changed AFTER UPDATE OF %s ON %I
                    FOR EACH ROW EXECUTE FUNCTION leads_keep_change(%L, %L)', columns, watched, left_out, secret);
END
$$;
CALL leads_watch('leads_organisation', 'created_at,instance', '');
CALL leads_watch('leads_team', '', '');
CALL leads_watch('leads_user', 'last_login,date_joined,language,theme,density,keys_enabled', 'password,calendar_hash');
CALL leads_watch('leads_user_groups', '', '');
CALL leads_watch('leads_reason', '', '');
CALL leads_watch('leads_source', '', '');
CALL leads_watch('leads_sourcealias', '', '');
CALL leads_watch('leads_sourcecost', '', '');
CALL leads_watch('leads_channel', 'created_at', 'secrets');
CALL leads_watch('leads_apikey', 'created_at,last_used_at', 'key_hash');
CALL leads_watch('leads_provider', 'failures,paused_until', 'secret');
CALL leads_watch('leads_namedlist', '', '');
CALL leads_watch('leads_territorytable', '', '');
CALL leads_watch('leads_listed', 'at', '');
"""
NO_WATCHING = """
DROP FUNCTION leads_keep_change() CASCADE;
DROP PROCEDURE leads_watch(text, text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0025_subscriptions")]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                ("source", models.CharField(max_length=63, verbose_name="table")),
                ("row_id", models.CharField(max_length=40, verbose_name="row")),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name then")),
                (
                    "act",
                    models.CharField(
                        choices=[("added", "added"), ("changed", "changed"), ("removed", "removed")],
                        max_length=8,
                        verbose_name="act",
                    ),
                ),
                ("before", models.JSONField(default=dict, verbose_name="before")),
                ("after", models.JSONField(default=dict, verbose_name="after")),
                ("together", models.BigIntegerField()),
                (
                    "actor",
                    models.ForeignKey(
                        help_text="Empty where a job or a command did it.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["source", "row_id", "-id"], name="leads_change_of_row")],
            },
        ),
        migrations.RunSQL(WATCHING, NO_WATCHING),
    ]
