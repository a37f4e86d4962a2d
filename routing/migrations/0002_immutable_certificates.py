"""Certificates are written once: the database itself refuses every change."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION routing_certificate_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A person's erasure deletes their leads with all that hangs on them, and says so for its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('leadmgmt.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'A routing certificate is never changed or deleted (certificate %)', OLD.id
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER routing_certificate_immutable BEFORE UPDATE OR DELETE ON routing_certificate
    FOR EACH ROW EXECUTE FUNCTION routing_certificate_refuse_change();
"""
ALLOW = """
DROP TRIGGER routing_certificate_immutable ON routing_certificate;
DROP FUNCTION routing_certificate_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
