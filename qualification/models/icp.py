"""The ideal customer profile: versions learned from won against lost deals."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class IcpVersion(models.Model):
    """One version: each trait with how much oftener its deals are won, and whether that is sure.

    `traits` is a list of ``{"fact", "value", "condition", "won", "deals", "other_won", "other_deals", "lift", "low",
    "high", "chance", "is_sure", "points", "reason", "reason_deals"}``.
    """

    class Status(models.TextChoices):
        """Where the version stands."""

        PROPOSED = "proposed", _("Proposed")
        ADOPTED = "adopted", _("Adopted")
        ARCHIVED = "archived", _("Archived")

    version = models.PositiveIntegerField(_("version"), unique=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PROPOSED)
    made_at = models.DateTimeField(_("learned"))
    wins = models.PositiveIntegerField(_("deals won"))
    losses = models.PositiveIntegerField(_("deals lost"))
    traits = models.JSONField(_("traits"), default=list)
    adopted_at = models.DateTimeField(_("adopted"), null=True, blank=True)
    adopted_by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    scoring = models.ForeignKey(
        "qualification.ScoringModel", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="adopted"), name="qualification_icpversion_one_adopted"
            ),
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="proposed"), name="qualification_icpversion_one_proposed"
            ),
        ]

    def __str__(self) -> str:
        return f"ICP {self.version}"
