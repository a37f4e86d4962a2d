"""Segments, whom questions are asked of and cadence steps are for; questions weigh."""

import django.db.models.deletion
from django.db import migrations, models

STAMP = """CREATE TRIGGER leads_stamp_any AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON qualification_segment
        FOR EACH STATEMENT EXECUTE FUNCTION leads_stamp_anew();
    INSERT INTO leads_stamp (name) VALUES ('qualification_segment');"""
NO_STAMP = "DROP TRIGGER IF EXISTS leads_stamp_any ON qualification_segment;"


def to_segment(words: str, name: str) -> models.ForeignKey:
    """A reference to a segment."""
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=name,
        to="qualification.segment",
        verbose_name=words,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0021_room_on_pages"),
        ("qualification", "0015_set_based_rescoring"),
    ]

    operations = [
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("condition", models.JSONField(blank=True, default=dict, verbose_name="leads that")),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.RunSQL(STAMP, NO_STAMP),
        migrations.AddField(
            model_name="question",
            name="condition",
            field=models.JSONField(blank=True, default=dict, verbose_name="asked of leads that"),
        ),
        migrations.AddField(
            model_name="question",
            name="weight",
            field=models.PositiveSmallIntegerField(
                default=1,
                help_text="0 to 10: how much of the qualification it is. 0 counts for nothing.",
                verbose_name="weight",
            ),
        ),
        migrations.AddField("cadencestep", "segment", to_segment("only for", "steps")),
        migrations.AddField("question", "segment", to_segment("asked of", "questions")),
        migrations.AddField("cadenceenrolment", "is_for_lead", models.BooleanField(default=True)),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__lte", 10)), name="qualification_question_weight"
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(condition={}, segment__isnull=True)
                | (models.Q(segment__isnull=False) & ~models.Q(condition={})),
                name="qualification_question_segment",
            ),
        ),
    ]
