"""Recycled leads on their way back."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(ended_at__isnull=True), name="qualification_nurture_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.reason}"
