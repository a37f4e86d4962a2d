"""Nurture programmes with their mails and those held out."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0019_mail"),
        ("qualification", "0011_cadences"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NurtureProgramme",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("position", models.PositiveSmallIntegerField(default=10, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("condition", models.JSONField(blank=True, default=dict, verbose_name="for leads that")),
                ("held_out_percent", models.PositiveSmallIntegerField(default=10, verbose_name="held out, percent")),
                ("needs_consent", models.BooleanField(default=True, verbose_name="only who agreed to e-mails")),
                ("click_wakes", models.BooleanField(default=True, verbose_name="a click brings them back")),
                (
                    "company_wakes",
                    models.BooleanField(default=False, verbose_name="a colleague of theirs brings them back"),
                ),
                ("window_from", models.TimeField(default="09:00", verbose_name="not before")),
                ("window_to", models.TimeField(default="17:00", verbose_name="not after")),
            ],
            options={
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="NurtureStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("after_days", models.PositiveSmallIntegerField(default=14, verbose_name="days later")),
            ],
            options={
                "ordering": ["position", "pk"],
            },
        ),
        migrations.AddField(
            model_name="nurtureenrolment",
            name="is_held_out",
            field=models.BooleanField(default=False, verbose_name="held out"),
        ),
        migrations.AddField(
            model_name="nurtureenrolment",
            name="next_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="next mail"),
        ),
        migrations.AddField(
            model_name="nurtureenrolment",
            name="sent",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="mails sent"),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="nurture",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="mails",
                to="qualification.nurtureenrolment",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="activity",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mail",
                to="qualification.activity",
            ),
        ),
        migrations.AddConstraint(
            model_name="outgoingmail",
            constraint=models.CheckConstraint(
                condition=models.Q(("activity__isnull", False), ("step__isnull", True), _connector="OR"),
                name="qualification_mail_of_somebody",
            ),
        ),
        migrations.AddField(
            model_name="nurtureprogramme",
            name="reasons",
            field=models.ManyToManyField(
                blank=True,
                help_text="None chosen: for whatever reason.",
                limit_choices_to={"is_active": True, "kind__in": ["recycle", "lost"]},
                related_name="+",
                to="leads.reason",
                verbose_name="recycled for",
            ),
        ),
        migrations.AddField(
            model_name="nurtureprogramme",
            name="sender",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="sender",
            ),
        ),
        migrations.AddField(
            model_name="nurtureenrolment",
            name="programme",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="enrolments",
                to="qualification.nurtureprogramme",
            ),
        ),
        migrations.AddField(
            model_name="nurturestep",
            name="programme",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="qualification.nurtureprogramme"
            ),
        ),
        migrations.AddField(
            model_name="nurturestep",
            name="template",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="qualification.mailtemplate",
                verbose_name="text",
            ),
        ),
        migrations.AddField(
            model_name="nurtureenrolment",
            name="step",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="qualification.nurturestep",
            ),
        ),
        migrations.AddIndex(
            model_name="nurtureenrolment",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True), ("next_at__isnull", False)),
                fields=["next_at"],
                name="qualification_nurture_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="nurtureprogramme",
            constraint=models.CheckConstraint(
                condition=models.Q(("window_from__lt", models.F("window_to"))), name="qualification_nurture_window"
            ),
        ),
        migrations.AddConstraint(
            model_name="nurtureprogramme",
            constraint=models.CheckConstraint(
                condition=models.Q(("held_out_percent__lte", 90)), name="qualification_nurture_held_out"
            ),
        ),
        migrations.AddConstraint(
            model_name="nurturestep",
            constraint=models.UniqueConstraint(
                fields=("programme", "position"), name="qualification_nurturestep_position"
            ),
        ),
    ]
