"""A score given to many at once keeps a row as narrow as can be, and what it refers to is asked once a statement."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# What a foreign key does, for all rows of a statement together: whoever refers to a row holds it as a foreign key's
# check would, and who deletes one is refused while somebody refers to it.
TRIGGERS = """
CREATE FUNCTION qualification_score_refers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lost bigint;
BEGIN
    WITH held AS MATERIALIZED (
        SELECT id FROM leads_lead WHERE id IN (SELECT lead_id FROM made) FOR KEY SHARE
    )
    SELECT lead_id INTO lost FROM made WHERE lead_id NOT IN (SELECT id FROM held) LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = format('a score refers to lead %s, which is not there', lost),
            CONSTRAINT = 'qualification_score_lead';
    END IF;
    WITH held AS MATERIALIZED (
        SELECT id FROM qualification_scoringmodel WHERE id IN (SELECT DISTINCT model_id FROM made) FOR KEY SHARE
    )
    SELECT model_id INTO lost FROM made WHERE model_id NOT IN (SELECT id FROM held) LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = format('a score refers to model %s, which is not there', lost),
            CONSTRAINT = 'qualification_score_model';
    END IF;
    WITH held AS MATERIALIZED (
        SELECT id FROM qualification_predictionmodel
        WHERE id IN (SELECT DISTINCT prediction_id FROM made WHERE prediction_id IS NOT NULL) FOR KEY SHARE
    )
    SELECT prediction_id INTO lost FROM made
    WHERE prediction_id IS NOT NULL AND prediction_id NOT IN (SELECT id FROM held) LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = format('a score refers to prediction %s, which is not there', lost),
            CONSTRAINT = 'qualification_score_prediction';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER qualification_score_refers_new AFTER INSERT ON qualification_score
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION qualification_score_refers();
CREATE TRIGGER qualification_score_refers_other AFTER UPDATE ON qualification_score
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION qualification_score_refers();

CREATE FUNCTION qualification_score_referred() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    used bigint;
BEGIN
    EXECUTE format('SELECT gone.id FROM gone WHERE EXISTS (SELECT 1 FROM qualification_score WHERE %I = gone.id) LIMIT 1',
        TG_ARGV[0]) INTO used;
    IF used IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = format('row %s of %s has scores', used, TG_TABLE_NAME),
            CONSTRAINT = 'qualification_score_referred';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER qualification_score_referred AFTER DELETE ON leads_lead
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION qualification_score_referred('lead_id');
CREATE TRIGGER qualification_score_referred AFTER DELETE ON qualification_scoringmodel
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION qualification_score_referred('model_id');
CREATE TRIGGER qualification_score_referred AFTER DELETE ON qualification_predictionmodel
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION qualification_score_referred('prediction_id');
"""
NO_TRIGGERS = """
DROP FUNCTION qualification_score_refers() CASCADE;
DROP FUNCTION qualification_score_referred() CASCADE;
"""


def reference(to: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(to=to, related_name="scores", db_constraint=False, **more)


class Migration(migrations.Migration):
    dependencies = [("leads", "0021_room_on_pages"), ("qualification", "0017_reasons_by_key")]

    operations = [
        migrations.AlterField(
            "score", "lead", reference("leads.lead", on_delete=django.db.models.deletion.CASCADE, db_index=False)
        ),
        migrations.AlterField(
            "score", "model", reference("qualification.scoringmodel", on_delete=django.db.models.deletion.PROTECT)
        ),
        migrations.AlterField(
            "score",
            "prediction",
            reference(
                "qualification.predictionmodel",
                on_delete=django.db.models.deletion.PROTECT,
                db_index=False,
                null=True,
                blank=True,
            ),
        ),
        migrations.AddField(
            "score",
            "changed",
            django.contrib.postgres.fields.ArrayField(
                models.TextField(),
                null=True,
                blank=True,
                help_text="as JSON, in the order of the model's changing facts",
            ),
        ),
        migrations.AddField(
            "scoringmodel",
            "changing",
            django.contrib.postgres.fields.ArrayField(
                models.TextField(),
                default=list,
                blank=True,
                editable=False,
                help_text="The facts that a score given to many at once keeps, in their order.",
            ),
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
