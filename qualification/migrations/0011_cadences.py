"""Cadences, and which mails they wrote."""

import django.db.models.deletion
from django.db import migrations, models

TABLES = ["qualification_cadence", "qualification_cadencestep"]
STAMPS = "CALL leads_stamp_table(ARRAY[{}])".format(", ".join(f"'{table}'" for table in TABLES))
NO_STAMPS = "".join(
    f"DROP TRIGGER IF EXISTS leads_stamp_{what} ON {table};" for table in TABLES for what in ("more", "other", "none")
)


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0019_mail"),
        ("qualification", "0010_mail"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cadence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("condition", models.JSONField(blank=True, default=dict, verbose_name="for leads that")),
                ("position", models.PositiveSmallIntegerField(default=10, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("window_from", models.TimeField(default="09:00", verbose_name="not before")),
                ("window_to", models.TimeField(default="17:00", verbose_name="not after")),
                (
                    "wait_days",
                    models.PositiveSmallIntegerField(
                        default=3, verbose_name="working days to wait after the last step"
                    ),
                ),
                (
                    "most_mails_a_day",
                    models.PositiveSmallIntegerField(default=50, verbose_name="automatic e-mails per rep and day"),
                ),
                (
                    "recycle_reason",
                    models.ForeignKey(
                        blank=True,
                        limit_choices_to={"is_active": True, "kind": "recycle"},
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.reason",
                        verbose_name="then recycled for",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="CadenceStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                (
                    "kind",
                    models.CharField(
                        choices=[("call", "Call"), ("email", "E-mail"), ("social", "Social network"), ("task", "Task")],
                        max_length=6,
                        verbose_name="kind",
                    ),
                ),
                (
                    "after_days",
                    models.PositiveSmallIntegerField(default=1, verbose_name="working days after the step before"),
                ),
                ("is_automatic", models.BooleanField(default=False, verbose_name="goes out by itself")),
                ("hint", models.CharField(blank=True, max_length=200, verbose_name="what to do")),
                (
                    "cadence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="qualification.cadence"
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="qualification.mailtemplate",
                        verbose_name="text",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CadenceEnrolment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("steps_done", models.PositiveSmallIntegerField(default=0, verbose_name="steps done")),
                ("by_hand", models.CharField(blank=True, max_length=300, verbose_name="why the rep has to do it")),
                ("started_at", models.DateTimeField(verbose_name="begun")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("answered", "They answered"),
                            ("reached", "Reached"),
                            ("bounced", "The e-mail came back"),
                            ("opted_out", "They want no more"),
                            ("moved_on", "The lead moved on"),
                            ("no_answer", "No answer"),
                            ("stopped", "Stopped by a person"),
                        ],
                        max_length=9,
                        verbose_name="how",
                    ),
                ),
                ("last_due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "cadence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="enrolments",
                        to="qualification.cadence",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.contact"
                    ),
                ),
                (
                    "last_activity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="qualification.activity",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="cadences", to="leads.lead"
                    ),
                ),
                (
                    "last_step",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="qualification.cadencestep",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="qualification.cadencestep",
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at", "-pk"],
            },
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="step",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="mails",
                to="qualification.cadencestep",
            ),
        ),
        migrations.AddConstraint(
            model_name="cadence",
            constraint=models.CheckConstraint(
                condition=models.Q(("window_from__lt", models.F("window_to"))), name="qualification_cadence_window"
            ),
        ),
        migrations.AddConstraint(
            model_name="cadencestep",
            constraint=models.UniqueConstraint(
                fields=("cadence", "position"), name="qualification_cadencestep_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="cadencestep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_automatic", False), models.Q(("kind", "email"), ("template__isnull", False)), _connector="OR"
                ),
                name="qualification_cadencestep_automatic",
            ),
        ),
        migrations.AddIndex(
            model_name="cadenceenrolment",
            index=models.Index(fields=["lead"], name="qualification_cadence_lead"),
        ),
        migrations.AddIndex(
            model_name="cadenceenrolment",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)), fields=["due_at"], name="qualification_cadence_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="cadenceenrolment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("contact",),
                name="qualification_cadence_one_per_contact",
            ),
        ),
        migrations.AddConstraint(
            model_name="cadenceenrolment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end", ""), ("ended_at__isnull", True)),
                    models.Q(("ended_at__isnull", False), models.Q(("end", ""), _negated=True)),
                    _connector="OR",
                ),
                name="qualification_cadence_ended",
            ),
        ),
        migrations.RunSQL(STAMPS, NO_STAMPS),
    ]
