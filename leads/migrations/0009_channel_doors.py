"""Doors of channels: credentials, answers fetched from the source, what is put aside and why."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0008_configuration_stamps"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChannelError",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField(verbose_name="hour")),
                ("code", models.CharField(max_length=40, verbose_name="code")),
                ("detail", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("count", models.PositiveIntegerField(default=1, verbose_name="calls")),
                ("last_at", models.DateTimeField(verbose_name="last")),
            ],
            options={
                "ordering": ["-last_at"],
            },
        ),
        migrations.AddField(
            model_name="capture",
            name="fetched",
            field=models.JSONField(
                blank=True,
                help_text="Where a webhook only says that there is something: what the source told when it was asked.",
                null=True,
                verbose_name="answer of the source",
            ),
        ),
        migrations.AddField(
            model_name="capture",
            name="released_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="released"),
        ),
        migrations.AddField(
            model_name="capture",
            name="released_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="capture",
            name="verdict",
            field=models.CharField(
                blank=True,
                help_text="Why it was put aside: a code of leads/screening.",
                max_length=40,
                verbose_name="verdict",
            ),
        ),
        migrations.AddField(
            model_name="channel",
            name="secrets",
            field=models.TextField(
                blank=True,
                editable=False,
                help_text="See leads/services/credentials.py.",
                verbose_name="credentials, encrypted",
            ),
        ),
        migrations.AlterField(
            model_name="capture",
            name="status",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("accepted", "Accepted"),
                    ("refused", "Refused"),
                    ("failed", "Failed"),
                    ("quarantined", "In quarantine"),
                    ("test", "Test"),
                    ("ignored", "Nothing to do"),
                ],
                default="received",
                max_length=12,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="channel",
            name="kind",
            field=models.CharField(
                choices=[
                    ("api", "API"),
                    ("form", "Hosted form"),
                    ("import", "File import"),
                    ("manual", "By hand"),
                    ("webhook", "Webhook"),
                    ("meta", "Meta Lead Ads"),
                    ("google_ads", "Google Ads lead form"),
                    ("linkedin", "LinkedIn Lead Gen Forms"),
                    ("tiktok", "TikTok lead form"),
                    ("typeform", "Typeform"),
                    ("calendly", "Calendly"),
                    ("intercom", "Intercom"),
                    ("hubspot", "HubSpot forms"),
                    ("salesforce", "Salesforce Web-to-Lead"),
                    ("mail", "Mailbox"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="touchpoint",
            name="kind",
            field=models.CharField(
                choices=[
                    ("form", "Form"),
                    ("api", "API"),
                    ("import", "Import"),
                    ("manual", "By hand"),
                    ("visit", "Visit"),
                    ("meeting", "Booked a meeting"),
                    ("chat", "Chat"),
                    ("email", "Wrote an e-mail"),
                    ("email_open", "Opened an e-mail"),
                    ("email_click", "Clicked in an e-mail"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                condition=models.Q(("status", "quarantined")), fields=["-received_at"], name="leads_capture_quarantine"
            ),
        ),
        migrations.AddField(
            model_name="channelerror",
            name="channel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="errors", to="leads.channel"
            ),
        ),
        migrations.AddConstraint(
            model_name="channelerror",
            constraint=models.UniqueConstraint(fields=("channel", "hour", "code"), name="leads_channelerror_unique"),
        ),
    ]
