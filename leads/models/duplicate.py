"""People who may be one, and people who turned out to be one."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Duplicate(models.Model):
    """Two contacts that may be one person, for somebody to decide."""

    class State(models.TextChoices):
        """What was decided."""

        OPEN = "open", _("To be decided")
        MERGED = "merged", _("Merged")
        DIFFERENT = "different", _("Different people")

    first = models.ForeignKey("leads.Contact", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("leads.Contact", on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(_("reason"), max_length=40, help_text=_("A code of leads.likeness."))
    confidence = models.FloatField(_("confidence"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    found_at = models.DateTimeField(_("found"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-confidence", "pk"]
        constraints = [
            # A pair is asked about once, whoever of the two was looked at.
            models.UniqueConstraint(fields=["first", "second"], name="leads_duplicate_pair_unique"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="leads_duplicate_pair_ordered"),
        ]
        indexes = [
            # The queue of what is to be decided, the surest first.
            models.Index(fields=["-confidence"], condition=Q(state="open"), name="leads_duplicate_open"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}: {self.reason}"


class Merge(models.Model):
    """One contact became part of another: what stood in both before, and what was moved, for the way back."""

    kept = models.ForeignKey("leads.Contact", on_delete=models.PROTECT, related_name="merges")
    gone = models.ForeignKey("leads.Contact", on_delete=models.PROTECT, related_name="+")
    before = models.JSONField(_("before"), help_text=_("Columns of both, as they were."))
    after = models.JSONField(_("after"), default=dict, help_text=_("Columns of the kept one, as the merge left them."))
    moved = models.JSONField(_("moved"), help_text=_("Numbers of the rows that were reattached, by model."))
    closed_lead = models.ForeignKey(
        "leads.Lead",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The second open lead, which was closed as a duplicate."),
    )
    closed_from = models.CharField(max_length=12, blank=True, help_text=_("Its stage before."))
    at = models.DateTimeField(_("merged"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-at"]
        # Somebody is part of one other at a time.
        constraints = [
            models.UniqueConstraint(fields=["gone"], condition=Q(undone_at__isnull=True), name="leads_merge_once")
        ]

    def __str__(self) -> str:
        return f"{self.gone_id} into {self.kept_id}"
