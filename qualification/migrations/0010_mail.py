"""Mails to leads, texts to begin from, and addresses that must not be written to."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0019_mail"),
        ("qualification", "0009_icp"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MailStop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email_key", models.CharField(max_length=254, unique=True, verbose_name="address")),
                (
                    "reason",
                    models.CharField(
                        choices=[("bounce", "Does not exist"), ("complaint", "Marked as spam")],
                        max_length=9,
                        verbose_name="reason",
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=400, verbose_name="what was said")),
                ("at", models.DateTimeField(verbose_name="since")),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="MailTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("de", "Deutsch")],
                        default="en",
                        max_length=2,
                        verbose_name="language",
                    ),
                ),
                ("subject", models.CharField(max_length=200, verbose_name="subject")),
                ("body", models.TextField(verbose_name="text")),
                ("position", models.PositiveSmallIntegerField(default=10, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("changed_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                (
                    "changed_by",
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
                "ordering": ["position", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("to", models.EmailField(max_length=254, verbose_name="to")),
                ("subject", models.CharField(max_length=200, verbose_name="subject")),
                ("body", models.TextField(verbose_name="text")),
                ("message_id", models.CharField(max_length=250, unique=True)),
                ("in_reply_to", models.CharField(blank=True, max_length=250)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("unsure", "Perhaps sent"),
                            ("cancelled", "Taken back"),
                        ],
                        default="waiting",
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("written_at", models.DateTimeField(verbose_name="written")),
                ("next_try_at", models.DateTimeField(blank=True, null=True, verbose_name="next try")),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                ("error", models.TextField(blank=True, verbose_name="error")),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="delivered")),
                ("opened_at", models.DateTimeField(blank=True, null=True, verbose_name="opened")),
                ("clicked_at", models.DateTimeField(blank=True, null=True, verbose_name="clicked")),
                ("replied_at", models.DateTimeField(blank=True, null=True, verbose_name="replied")),
                ("bounced_at", models.DateTimeField(blank=True, null=True, verbose_name="bounced")),
                (
                    "activity",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mail", to="qualification.activity"
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mails", to="leads.lead"
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="mails",
                        to="qualification.mailtemplate",
                    ),
                ),
            ],
            options={
                "ordering": ["-written_at", "-pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="mailtemplate",
            constraint=models.UniqueConstraint(fields=("name", "language"), name="qualification_mailtemplate_name"),
        ),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(fields=["lead", "-written_at"], name="qualification_mail_lead"),
        ),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(
                condition=models.Q(("status__in", ["waiting", "sending"])),
                fields=["next_try_at"],
                name="qualification_mail_waiting",
            ),
        ),
    ]
