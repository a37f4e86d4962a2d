"""The governed list of reasons: why a lead is disqualified, recycled, lost or refused."""

from datetime import date, timedelta

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Reason(models.Model):
    """One reason that a person or the CRM may give. Codes are stable, labels may change."""

    class Kind(models.TextChoices):
        """What the reason explains."""

        DISQUALIFY = "disqualify", _("Disqualify")
        RECYCLE = "recycle", _("Recycle")
        LOST = "lost", _("Deal lost")
        REFUSE = "refuse", _("Handoff refused")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    code = models.SlugField(_("code"), max_length=40)
    label_en = models.CharField(_("label (English)"), max_length=120)
    label_de = models.CharField(_("label (German)"), max_length=120, blank=True)
    wake_after_days = models.PositiveIntegerField(
        _("wake up after days"),
        null=True,
        blank=True,
        help_text=_("How long a recycled lead sleeps; empty: nobody wakes it. 0 for a refused handoff: not at all."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["kind", "position", "code"]
        constraints = [models.UniqueConstraint(fields=["kind", "code"], name="leads_reason_code_unique")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The label in the reader's language."""
        return (self.label_de if (get_language() or "").startswith("de") else "") or self.label_en

    @property
    def is_sending_back(self) -> bool:
        """Whether a handoff refused for this reason goes back into its SDR's queue at once instead of to sleep."""
        return self.kind == self.Kind.REFUSE and self.wake_after_days == 0

    def wake_on(self, today: date) -> date | None:
        """When a lead recycled today for this reason should wake up."""
        return today + timedelta(days=self.wake_after_days) if self.wake_after_days is not None else None
