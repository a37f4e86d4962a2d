"""Deals that stand apart from their record say since when, why, and whether somebody has decided."""

from django.db import migrations, models

APART = ["remote_deleted", "merged", "quarantined"]
SINCE = "UPDATE crmsync_link SET apart_at = coalesce(synced_at, now()) WHERE state = ANY(%s)"


class Migration(migrations.Migration):
    dependencies = [("crmsync", "0010_breaker")]

    operations = [
        migrations.AddField(
            "link",
            "apart_at",
            models.DateTimeField(blank=True, help_text="Since when it stands apart from its record.", null=True),
        ),
        migrations.AddField("link", "apart_why", models.TextField(blank=True, default=""), preserve_default=False),
        migrations.AddField(
            "link",
            "kept_at",
            models.DateTimeField(
                blank=True,
                help_text="When a person said that it stays apart: nothing is sent any more.",
                null=True,
            ),
        ),
        migrations.RunSQL([(SINCE, [APART])], migrations.RunSQL.noop),
        migrations.AddConstraint(
            "link",
            models.CheckConstraint(
                condition=models.Q(state__in=APART, apart_at__isnull=False)
                | models.Q(state__in=["pending", "linked"], apart_at__isnull=True, kept_at__isnull=True),
                name="crmsync_link_apart_since",
            ),
        ),
        migrations.AddIndex(
            "link",
            models.Index(
                condition=models.Q(apart_at__isnull=False),
                fields=["connection", "merged_into"],
                name="crmsync_link_apart",
            ),
        ),
        migrations.AlterField(
            "alert",
            "kind",
            models.CharField(
                choices=[
                    ("old", "Changes wait too long"),
                    ("dead", "Changes were given up"),
                    ("held", "Changes wait for a person"),
                    ("apart", "Deals have lost their record"),
                    ("resting", "The CRM does not answer"),
                    ("lag", "Reading lags behind"),
                    ("skew", "The clocks differ"),
                    ("drift", "Both sides differ"),
                    ("silent", "Webhooks are silent"),
                    ("routing", "Accounts cannot be read"),
                ],
                max_length=8,
            ),
        ),
    ]
