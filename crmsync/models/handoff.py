"""An AE's decision on an opportunity."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crmsync.querysets import HandoffQuerySet


class Handoff(models.Model):
    """Offered to an AE, then accepted or refused with a reason."""

    class Status(models.TextChoices):
        """Where the offer stands."""

        OFFERED = "offered", _("Offered")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    opportunity = models.ForeignKey("crmsync.Opportunity", on_delete=models.CASCADE, related_name="handoffs")
    ae = models.ForeignKey("leads.User", on_delete=models.PROTECT, related_name="handoffs")
    sdr = models.ForeignKey(
        "leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="given_handoffs"
    )
    why = models.CharField(_("why this AE"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OFFERED)
    offered_at = models.DateTimeField(_("offered"))
    due_at = models.DateTimeField(_("decide by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.ForeignKey("leads.Reason", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    note = models.TextField(_("note for the SDR"), blank=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["opportunity"], condition=Q(status="offered"), name="crmsync_handoff_one_open"
            ),
            models.CheckConstraint(
                condition=~Q(status="refused") | Q(reason__isnull=False), name="crmsync_handoff_refusal_has_reason"
            ),
        ]
        indexes = [
            # What an AE has to decide, soonest first.
            models.Index(fields=["ae", "due_at"], condition=Q(status="offered"), name="crmsync_handoff_open"),
            # What became of the handoffs that an SDR gave.
            models.Index(fields=["sdr", "-offered_at"], name="crmsync_handoff_given"),
        ]

    def __str__(self) -> str:
        return f"{self.opportunity}: {self.status}"


class HandoffRule(models.Model):
    """Whose a handoff of a segment is: the first rule that fits, and of its AEs whoever has least on the table."""

    segment = models.ForeignKey("qualification.Segment", on_delete=models.PROTECT, related_name="handoff_rules")
    people = models.ManyToManyField("leads.User", related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return str(self.segment)
