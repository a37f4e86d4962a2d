"""Who owns a lead from when to when and why, and who waits."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Assignment(models.Model):
    """One rep's ownership of one lead. At most one is open per lead (a database constraint)."""

    class Reason(models.TextChoices):
        """Why the rep got it."""

        RULE = "rule", _("By rule")
        PERSON = "person", _("By a person")
        CLAIM = "claim", _("Taken by the rep")
        WAITING = "waiting", _("From the waiting room")
        COVER = "cover", _("Standing in")
        RETURN = "return", _("Back from whoever stood in")
        HISTORY = "history", _("Brought in")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey("leads.User", on_delete=models.PROTECT, related_name="assignments")
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    certificate = models.ForeignKey(
        "routing.Certificate", on_delete=models.PROTECT, null=True, blank=True, related_name="assignments"
    )
    assigned_by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField(_("from"))
    accepted_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    ends_at = models.DateTimeField(_("to"), null=True, blank=True)
    end_reason = models.CharField(_("ended because"), max_length=60, blank=True)

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(ends_at__isnull=True), name="routing_assignment_one_open_per_lead"
            ),
        ]
        indexes = [
            # A rep's load and daily count.
            models.Index(fields=["user", "-starts_at"], name="routing_assignment_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.lead_id}"


class WaitingLead(models.Model):
    """A lead that nobody could take yet, with who answers for it, why, and when it is tried again."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="waits")
    pool = models.ForeignKey("routing.Pool", on_delete=models.PROTECT, null=True, blank=True, related_name="waits")
    certificate = models.ForeignKey(
        "routing.Certificate", on_delete=models.PROTECT, null=True, blank=True, related_name="waits"
    )
    keeper = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=200)
    since = models.DateTimeField(_("since"))
    wake_at = models.DateTimeField(_("tried again"))
    left_at = models.DateTimeField(_("left"), null=True, blank=True)

    class Meta:
        ordering = ["since"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(left_at__isnull=True), name="routing_waiting_one_open_per_lead"
            )
        ]
        indexes = [models.Index(fields=["wake_at"], condition=Q(left_at__isnull=True), name="routing_waiting_due")]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.reason}"
