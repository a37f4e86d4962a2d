"""Promises of attempts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0017_territories"),
        ("routing", "0011_canary"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptClock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wanted", models.PositiveSmallIntegerField(verbose_name="attempts wanted")),
                ("made", models.PositiveSmallIntegerField(default=0, verbose_name="attempts made")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("met_at", models.DateTimeField(blank=True, null=True, verbose_name="met")),
                ("breached_at", models.DateTimeField(blank=True, null=True, verbose_name="breached")),
                ("stopped_at", models.DateTimeField(blank=True, null=True, verbose_name="stopped")),
            ],
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="attempt_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="After the lead came; days of work as above.",
                null=True,
                verbose_name="within days",
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="attempts",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Calls and e-mails, unless the person is reached before.",
                null=True,
                verbose_name="attempts",
            ),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("attempt_days__isnull", True), ("attempts__isnull", True)),
                    models.Q(
                        ("attempt_days__gte", 1),
                        ("attempt_days__isnull", False),
                        ("attempts__gte", 1),
                        ("attempts__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="routing_slapolicy_attempts_complete",
            ),
        ),
        migrations.AddField(
            model_name="attemptclock",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="attempt_clocks", to="leads.lead"
            ),
        ),
        migrations.AddField(
            model_name="attemptclock",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="attempt_clocks", to="routing.slapolicy"
            ),
        ),
        migrations.AddIndex(
            model_name="attemptclock",
            index=models.Index(
                condition=models.Q(("stopped_at__isnull", True)), fields=["due_at"], name="routing_attemptclock_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="attemptclock",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stopped_at__isnull", True)),
                fields=("lead",),
                name="routing_attemptclock_one_running_per_lead",
            ),
        ),
        migrations.AddConstraint(
            model_name="attemptclock",
            constraint=models.CheckConstraint(
                condition=models.Q(("met_at__isnull", True), ("breached_at__isnull", True), _connector="OR"),
                name="routing_attemptclock_one_end",
            ),
        ),
    ]
