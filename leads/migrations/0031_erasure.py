"""People who were erased: that it happened, keyed hashes of what they were matched by, and what others still have to do."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEY = "leads_erasedkey"
STAMPS = f"""CREATE TRIGGER leads_stamp_any AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {KEY}
    FOR EACH STATEMENT EXECUTE FUNCTION leads_stamp_anew();
INSERT INTO leads_stamp (name) VALUES ('{KEY}');"""  # noqa: S608  # words of our own
PERSON = models.ForeignKey(
    blank=True,
    null=True,
    on_delete=django.db.models.deletion.SET_NULL,
    related_name="+",
    to=settings.AUTH_USER_MODEL,
)


def number() -> models.BigAutoField:
    """The key of a table."""
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("leads", "0030_goes_on")]

    operations = [
        migrations.AddField(
            "contact",
            "erased_at",
            models.DateTimeField(
                blank=True, editable=False, help_text="Since when nobody knows who this was.", null=True
            ),
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", number()),
                ("at", models.DateTimeField(verbose_name="erased")),
                ("told", models.JSONField(default=dict)),
                ("by", PERSON.clone()),
            ],
            options={"ordering": ["-at", "-pk"]},
        ),
        migrations.CreateModel(
            name="ErasedKey",
            fields=[
                ("id", number()),
                ("key_hash", models.CharField(max_length=64, unique=True)),
                (
                    "erasure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="keys", to="leads.erasure"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ErasureTask",
            fields=[
                ("id", number()),
                ("system", models.CharField(max_length=120, verbose_name="where")),
                (
                    "what",
                    models.CharField(
                        help_text="A kind of record and its id there, never a name.",
                        max_length=200,
                        verbose_name="what",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "To be done by a person"), ("done", "Done")],
                        default="open",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("done_by", PERSON.clone()),
                (
                    "erasure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tasks", to="leads.erasure"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "done"), _negated=True),
                        fields=["erasure"],
                        name="leads_erasuretask_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(state="done", done_at__isnull=False)
                        | (~models.Q(state="done") & models.Q(done_at__isnull=True)),
                        name="leads_erasuretask_done_when",
                    )
                ],
            },
        ),
        migrations.RunSQL(STAMPS, f"DROP TRIGGER IF EXISTS leads_stamp_any ON {KEY};"),
    ]
