"""One immutable line of a lead's history: timeline, trigger and raw material of every report."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LeadEvent(models.Model):
    """What happened, when, and by whom. Written only by leads.events.record_event.

    The columns from `handled_at` on are the pipeline's progress with the event; the rest never changes.
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(_("kind"), max_length=48)
    at = models.DateTimeField(_("happened"))
    recorded_at = models.DateTimeField(_("recorded"))
    actor = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    actor_label = models.CharField(
        _("by"), max_length=80, blank=True, help_text=_("Where no person acted: pipeline, crm:local.")
    )
    data = models.JSONField(_("details"), default=dict, blank=True)

    needs_step = models.BooleanField(default=False)
    handled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            # The timeline.
            models.Index(fields=["lead", "-at", "-id"], name="leads_event_timeline"),
            # Reports: one kind within a period.
            models.Index(fields=["kind", "at"], name="leads_event_kind"),
            # The pipeline: a lead's unhandled events in order, and the sweep over all of them.
            models.Index(
                fields=["lead", "id"],
                condition=Q(needs_step=True, handled_at__isnull=True),
                name="leads_event_unhandled",
            ),
            # Admin: what was given up.
            models.Index(fields=["-parked_at"], condition=Q(parked_at__isnull=False), name="leads_event_parked"),
        ]

    def __str__(self) -> str:
        return self.kind
