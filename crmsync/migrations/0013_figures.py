"""Webhooks that were refused are counted, and figures of a period found without reading whole tables."""

import django.db.models.deletion
from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crmsync", "0012_quota")]

    operations = [
        migrations.CreateModel(
            name="HookRefusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("why", models.CharField(max_length=40)),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("last_at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="refusals", to="crmsync.connection"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["connection", "why"], name="crmsync_refusal_unique"),
                ]
            },
        ),
        migrations.AddIndex("auditrow", BrinIndex(fields=["at"], name="crmsync_audit_at")),
        migrations.AddIndex("inboxevent", BrinIndex(fields=["received_at"], name="crmsync_inbox_received")),
        migrations.AddIndex("outboxentry", BrinIndex(fields=["done_at"], name="crmsync_outbox_done")),
    ]
