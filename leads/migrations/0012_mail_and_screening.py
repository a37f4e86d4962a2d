"""Senders who are kept out, mailboxes that are read, which checks are switched off."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0011_matching"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="screening",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Checks that are switched off, by their code.",
                verbose_name="screening",
            ),
        ),
        migrations.CreateModel(
            name="MailboxState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid_validity", models.BigIntegerField(blank=True, null=True)),
                ("last_uid", models.BigIntegerField(default=0)),
                ("next_poll_at", models.DateTimeField(blank=True, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("polled_at", models.DateTimeField(blank=True, null=True, verbose_name="last read")),
                ("failures", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mailbox", to="leads.channel"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Listed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "E-mail address"),
                            ("domain", "Domain"),
                            ("phone", "Phone number"),
                            ("word", "Words in the message"),
                            ("ip", "IP address"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "value",
                    models.CharField(
                        help_text="As it is compared: small letters, E.164.", max_length=254, verbose_name="value"
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[("block", "Hold in quarantine"), ("allow", "Always let through")],
                        default="block",
                        max_length=8,
                        verbose_name="verdict",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("at", models.DateTimeField(verbose_name="since")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "listed senders",
                "ordering": ["kind", "value"],
                "constraints": [models.UniqueConstraint(fields=("kind", "value"), name="leads_listed_unique")],
            },
        ),
        # Kept in memory for as long as nobody changes it (see leads/configuration.py).
        migrations.RunSQL(
            "CALL leads_stamp_table(ARRAY['leads_listed', 'leads_organisation'])", migrations.RunSQL.noop
        ),
    ]
