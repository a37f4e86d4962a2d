"""A further person of a company where somebody works on a deal already."""

from django.db import models
from django.db.models import Q


class Joined(models.Model):
    """A lead that went into an open opportunity of its company instead of making a second."""

    opportunity = models.ForeignKey("crmsync.Opportunity", on_delete=models.CASCADE, related_name="joined")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="joined")
    sdr = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    joined_at = models.DateTimeField()
    # The deal is over, or its handoff was refused.
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead"], condition=Q(left_at=None), name="crmsync_joined_one_open"),
        ]
        indexes = [models.Index(fields=["opportunity"], condition=Q(left_at=None), name="crmsync_joined_open")]

    def __str__(self) -> str:
        return f"{self.lead}: {self.opportunity}"
