"""New spellings wait to be confirmed; two sources that are one are folded."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0027_targets"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="folded_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="What arrives under this name counts there.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="folded",
                to="leads.source",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="is_confirmed",
            field=models.BooleanField(
                default=True,
                help_text="Off: a spelling that arrived and that nobody knew; somebody decides whether it is one of its own.",
                verbose_name="confirmed",
            ),
        ),
        migrations.CreateModel(
            name="SourceFold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                ("moved", models.JSONField(default=dict)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "gone",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="leads.source"),
                ),
                (
                    "kept",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="leads.source"),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at", None)), fields=("gone",), name="leads_sourcefold_once"
                    )
                ],
            },
        ),
        migrations.RunSQL("CALL leads_watch('leads_source', '', '')", migrations.RunSQL.noop),
    ]
