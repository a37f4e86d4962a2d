"""What became of a lead: the training data of the score and the ICP."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Outcome(models.Model):
    """Won, lost, recycled or disqualified, with the facts as they were when the lead was last scored before it."""

    class Kind(models.TextChoices):
        """What became of it."""

        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        RECYCLED = "recycled", _("Recycled")
        DISQUALIFIED = "disqualified", _("Disqualified")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="outcomes")
    event = models.OneToOneField("leads.LeadEvent", on_delete=models.CASCADE, related_name="outcome")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    at = models.DateTimeField(_("time"))
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    facts = models.JSONField(_("facts as they were"), default=dict)
    facts_at = models.DateTimeField(_("facts of"), null=True, blank=True)

    class Meta:
        indexes = [
            # What became of the leads of a period.
            models.Index(fields=["kind", "at"], name="qualification_outcome_kind"),
            # The newest outcomes, from which the chance to win is counted.
            models.Index(fields=["-at"], name="qualification_outcome_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.kind}"
