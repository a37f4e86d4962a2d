"""Recycled leads on their way back, and the programmes that write to them meanwhile."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class NurtureProgramme(models.Model):
    """Mails to recycled leads of some reasons and of a kind; the first active one that fits is taken.

    A share is held out and gets none, so that it shows whether the mails cause anybody's return.
    """

    name = models.CharField(_("name"), max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=10)
    is_active = models.BooleanField(_("active"), default=True)
    reasons = models.ManyToManyField(
        "leads.Reason",
        verbose_name=_("recycled for"),
        blank=True,
        related_name="+",
        limit_choices_to={"kind__in": ["recycle", "lost"], "is_active": True},
        help_text=_("None chosen: for whatever reason."),
    )
    condition = models.JSONField(_("for leads that"), default=dict, blank=True)
    sender = models.ForeignKey("leads.User", verbose_name=_("sender"), on_delete=models.PROTECT, related_name="+")
    held_out_percent = models.PositiveSmallIntegerField(_("held out, percent"), default=10)
    needs_consent = models.BooleanField(_("only who agreed to e-mails"), default=True)
    click_wakes = models.BooleanField(_("a click brings them back"), default=True)
    company_wakes = models.BooleanField(_("a colleague of theirs brings them back"), default=False)
    window_from = models.TimeField(_("not before"), default="09:00")
    window_to = models.TimeField(_("not after"), default="17:00")

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(window_from__lt=F("window_to")), name="qualification_nurture_window"),
            models.CheckConstraint(condition=Q(held_out_percent__lte=90), name="qualification_nurture_held_out"),
        ]

    def __str__(self) -> str:
        return self.name


class NurtureStep(models.Model):
    """One mail of a programme, so many days after the one before (the first: after going to sleep)."""

    programme = models.ForeignKey(NurtureProgramme, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("position"))
    after_days = models.PositiveSmallIntegerField(_("days later"), default=14)
    template = models.ForeignKey(
        "qualification.MailTemplate", verbose_name=_("text"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "position"], name="qualification_nurturestep_position")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.template}"


class NurtureEnrolment(models.Model):
    """A recycled lead sleeping until its wake-up date, with why, and how it ended."""

    class End(models.TextChoices):
        """How it ended."""

        WOKEN = "woken", _("Woken by the date")
        RETURNED = "returned", _("Came back by itself")
        STOPPED = "stopped", _("Stopped by a person")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="nurtures")
    reason = models.ForeignKey("leads.Reason", on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField(_("since"))
    wake_at = models.DateTimeField(_("wakes up"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end = models.CharField(_("how"), max_length=8, choices=End, blank=True)
    programme = models.ForeignKey(
        NurtureProgramme, on_delete=models.SET_NULL, null=True, blank=True, related_name="enrolments"
    )
    is_held_out = models.BooleanField(_("held out"), default=False)
    step = models.ForeignKey(NurtureStep, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    next_at = models.DateTimeField(_("next mail"), null=True, blank=True)
    sent = models.PositiveSmallIntegerField(_("mails sent"), default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(ended_at__isnull=True), name="qualification_nurture_one_open"
            )
        ]
        indexes = [
            # What the clock must look at.
            models.Index(
                fields=["next_at"],
                name="qualification_nurture_due",
                condition=Q(ended_at__isnull=True, next_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.reason}"
