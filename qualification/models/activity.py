"""What a rep did about a lead."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ActivityQuerySet(models.QuerySet["Activity"]):
    """The language of reading activities."""

    def touches(self) -> Self:
        """What a person of ours did towards the lead: no notes, nothing taken back, nothing that went by itself."""
        return self.filter(undone_at__isnull=True, is_automatic=False).exclude(kind="note")


class Activity(models.Model):
    """One call, e-mail, note or meeting, with its disposition. A note is no touch; the others are."""

    class Kind(models.TextChoices):
        """What was done."""

        CALL = "call", _("Call")
        EMAIL = "email", _("E-mail")
        NOTE = "note", _("Note")
        MEETING = "meeting", _("Meeting")

    class Disposition(models.TextChoices):
        """The outcome of an attempt."""

        CONNECTED = "connected", _("Connected")
        NO_ANSWER = "no_answer", _("No answer")
        VOICEMAIL = "voicemail", _("Voicemail")
        CALL_BACK = "call_back", _("Call back")
        BAD_NUMBER = "bad_number", _("Bad number")
        SENT = "sent", _("Sent")
        HELD = "held", pgettext_lazy("meeting", "Held")
        BOOKED = "booked", _("Booked")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="activities")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    disposition = models.CharField(_("disposition"), max_length=12, choices=Disposition, blank=True)
    body = models.TextField(_("what was said"), blank=True)
    at = models.DateTimeField(_("time"))
    by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="activities")
    due_at = models.DateTimeField(
        _("agreed for"), null=True, blank=True, help_text=_("The time of a call-back or meeting.")
    )
    is_automatic = models.BooleanField(
        _("by itself"), default=False, help_text=_("Sent by a cadence: no human touch, and no try.")
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("activities")
        ordering = ["-at"]
        indexes = [models.Index(fields=["lead", "-at"], name="qualification_activity_lead")]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"
