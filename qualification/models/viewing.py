"""Who has a lead open right now."""

from django.db import models


class Viewing(models.Model):
    """One person looking at one lead, as of the last sign of life of their page."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="viewings")
    user = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "user"], name="qualification_viewing_unique")]
        indexes = [
            # Which signs of life are too old to keep.
            models.Index(fields=["seen_at"], name="qualification_viewing_old")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.lead_id}"
