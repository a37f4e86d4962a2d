"""The immutable, re-executable record of one routing decision."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Certificate(models.Model):
    """Facts, every rule looked at, every candidate with the gate that stopped them, the draw, the outcome.

    A trigger in the database refuses changes and deletions (erasure of a person goes through a function of its own).
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="certificates")
    rule_set = models.ForeignKey("routing.RuleSet", on_delete=models.PROTECT, related_name="certificates")
    rule = models.ForeignKey(
        "routing.Rule", on_delete=models.PROTECT, null=True, blank=True, related_name="certificates"
    )
    pool = models.ForeignKey(
        "routing.Pool", on_delete=models.PROTECT, null=True, blank=True, related_name="certificates"
    )
    rep = models.ForeignKey("routing.Rep", on_delete=models.PROTECT, null=True, blank=True, related_name="certificates")
    outcome = models.CharField(_("outcome"), max_length=14, help_text=_("assigned, waiting, disqualified or unmatched"))
    decided_at = models.DateTimeField(_("decided"))
    facts = models.JSONField(_("facts"))
    rules = models.JSONField(_("rules"))
    candidates = models.JSONField(_("candidates"))
    draw = models.JSONField(_("draw"), default=dict)
    digest = models.CharField(max_length=64)
    # The candidates in short, for replays; follows from them.
    brief = models.JSONField(null=True, editable=False)

    class Meta:
        ordering = ["-decided_at", "-pk"]
        indexes = [
            models.Index(fields=["rule", "decided_at"], name="routing_certificate_rule"),
            # What was decided in a period.
            models.Index(fields=["decided_at"], name="routing_certificate_when"),
        ]

    def __str__(self) -> str:
        return f"Certificate {self.pk}"
