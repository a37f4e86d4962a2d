"""Changes of the configuration are kept (see leads/migrations/0026_changes.py)."""

from django.db import migrations

WATCHED = (
    ("qualification_cadence", "", ""),
    ("qualification_cadencestep", "", ""),
    ("qualification_criteria", "", ""),
    ("qualification_framework", "", ""),
    ("qualification_question", "", ""),
    ("qualification_mailtemplate", "changed_at,changed_by_id", ""),
    ("qualification_nurtureprogramme", "", ""),
    ("qualification_nurtureprogramme_reasons", "", ""),
    ("qualification_nurturestep", "", ""),
    ("qualification_predictionfact", "at,by_id", ""),
    (
        "qualification_predictionmodel",
        "body,quality,reference,drift,drift_at,trial,examples,wins,trained_at,refused",
        "",
    ),
    ("qualification_scoringmodel", "changing", ""),
    ("qualification_segment", "", ""),
    ("qualification_icpversion", "traits,wins,losses,made_at", ""),
)
WATCH = "".join(f"CALL leads_watch('{table}', '{moving}', '{secret}');" for table, moving, secret in WATCHED)
FORGET = "".join(
    f"DROP TRIGGER IF EXISTS leads_change_{what} ON {table};" for table, _, _ in WATCHED for what in ("came", "changed")
)


class Migration(migrations.Migration):
    dependencies = [("leads", "0026_changes"), ("qualification", "0018_scores_of_many")]

    operations = [migrations.RunSQL(WATCH, FORGET)]
