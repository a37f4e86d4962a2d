"""How long leads ran out unnoticed."""

from django.db import models
from django.db.models import F, Q


class LeakSpell(models.Model):
    """A lead that nobody worked on although somebody should have, from the look that found it to the one that did not.

    ``is_first_look``: it was found when nobody had ever looked, so nobody knows when it began.
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="leak_spells")
    kind = models.CharField(max_length=10)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    is_first_look = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            # A lead runs out in one way only.
            models.UniqueConstraint(fields=["lead"], condition=Q(ended_at=None), name="leads_leak_open_once"),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(ended_at__gt=F("began_at")), name="leads_leak_order"),
        ]
        indexes = [
            models.Index(fields=["kind", "began_at"], name="leads_leak_began"),
            models.Index(fields=["kind", "ended_at"], name="leads_leak_ended", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.lead_id}"
