"""Changes on their way to the CRM, written in the transaction of the change."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutboxEntry(models.Model):
    """Which fields of which opportunity changed; the values are read when it is sent (CRM_CONTRACT 5)."""

    class State(models.TextChoices):
        """How far it has come."""

        READY = "ready", _("Ready")
        LEASED = "leased", _("Being sent")
        VERIFY = "verify", _("Being verified")
        WAITING = "waiting", _("Held")
        DONE = "done", _("Done")
        DEAD = "dead", _("Given up")
        SUPERSEDED = "superseded", _("Superseded")

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.PROTECT, related_name="outbox")
    opportunity = models.ForeignKey("crmsync.Opportunity", on_delete=models.PROTECT, related_name="outbox")
    seq = models.PositiveIntegerField()
    op = models.CharField(max_length=10, default="upsert")
    fields = models.JSONField(default=list)
    # What people do goes before what is only brought up to date.
    priority = models.PositiveSmallIntegerField(default=0)
    idempotency_key = models.CharField(max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.READY)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error_class = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = _("outbox entries")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "opportunity", "seq"], name="crmsync_outbox_seq_unique"),
        ]
        indexes = [
            # What may be sent next.
            models.Index(
                fields=["connection", "not_before"],
                condition=Q(state__in=["ready", "leased", "verify", "waiting"]),
                name="crmsync_outbox_open",
            ),
            # Figures of a period.
            BrinIndex(fields=["done_at"], name="crmsync_outbox_done"),
            # Dead letters.
            models.Index(fields=["-created_at"], condition=Q(state="dead"), name="crmsync_outbox_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.op} {self.opportunity_id} #{self.seq}"
