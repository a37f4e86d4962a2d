"""Cadences: planned steps on a lead that is worked, and each lead's way through one."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Cadence(models.Model):
    """A row of steps. The first active one whose condition holds is begun when a lead gets its owner."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    condition = models.JSONField(_("for leads that"), default=dict, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=10)
    is_active = models.BooleanField(_("active"), default=True)
    window_from = models.TimeField(_("not before"), default="09:00")
    window_to = models.TimeField(_("not after"), default="17:00")
    wait_days = models.PositiveSmallIntegerField(_("working days to wait after the last step"), default=3)
    recycle_reason = models.ForeignKey(
        "leads.Reason",
        verbose_name=_("then recycled for"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"kind": "recycle", "is_active": True},
    )
    most_mails_a_day = models.PositiveSmallIntegerField(_("automatic e-mails per rep and day"), default=50)

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(window_from__lt=F("window_to")), name="qualification_cadence_window")
        ]

    def __str__(self) -> str:
        return self.name


class CadenceStep(models.Model):
    """One step: what is done, how many working days after the step before."""

    class Kind(models.TextChoices):
        """What is done."""

        CALL = "call", _("Call")
        EMAIL = "email", _("E-mail")
        SOCIAL = "social", _("Social network")
        TASK = "task", _("Task")

    cadence = models.ForeignKey(Cadence, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    after_days = models.PositiveSmallIntegerField(_("working days after the step before"), default=1)
    template = models.ForeignKey(
        "qualification.MailTemplate",
        verbose_name=_("text"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    is_automatic = models.BooleanField(_("goes out by itself"), default=False)
    hint = models.CharField(_("what to do"), max_length=200, blank=True)
    segment = models.ForeignKey(
        "qualification.Segment",
        verbose_name=_("only for"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="steps",
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["cadence", "position"], name="qualification_cadencestep_position"),
            models.CheckConstraint(
                condition=Q(is_automatic=False) | Q(kind="email", template__isnull=False),
                name="qualification_cadencestep_automatic",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.get_kind_display()}"


class CadenceEnrolment(models.Model):
    """One lead in a cadence. ``step`` is the next one (None: all are done, and the answer is waited for)."""

    class End(models.TextChoices):
        """How it ended."""

        ANSWERED = "answered", _("They answered")
        REACHED = "reached", _("Reached")
        BOUNCED = "bounced", _("The e-mail came back")
        OPTED_OUT = "opted_out", _("They want no more")
        MOVED_ON = "moved_on", _("The lead moved on")
        NO_ANSWER = "no_answer", _("No answer")
        STOPPED = "stopped", _("Stopped by a person")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="cadences")
    contact = models.ForeignKey("leads.Contact", on_delete=models.CASCADE, related_name="+")
    cadence = models.ForeignKey(Cadence, on_delete=models.PROTECT, related_name="enrolments")
    step = models.ForeignKey(CadenceStep, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField(_("due"))
    steps_done = models.PositiveSmallIntegerField(_("steps done"), default=0)
    # Off: whether the step is for this lead is looked at when it is due.
    is_for_lead = models.BooleanField(default=True)
    by_hand = models.CharField(_("why the rep has to do it"), max_length=300, blank=True)
    started_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end = models.CharField(_("how"), max_length=9, choices=End, blank=True)
    # What the last activity moved, so that taking it back moves it back.
    last_activity = models.ForeignKey(
        "qualification.Activity", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    last_step = models.ForeignKey(CadenceStep, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    last_due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contact"], condition=Q(ended_at__isnull=True), name="qualification_cadence_one_per_contact"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="") | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="qualification_cadence_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["lead"], name="qualification_cadence_lead"),
            # What the clock must look at.
            models.Index(fields=["due_at"], name="qualification_cadence_due", condition=Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.cadence}"
