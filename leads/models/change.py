"""What people changed in the configuration: one row per row that changed, written by triggers."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Change(models.Model):
    """One row of configuration as it was and as it is then. Never changed; no service has to think of it.

    ``before`` and ``after`` hold the columns that differ (all that say something, where the row came or went); of a
    secret they only say that it is one.
    """

    class Act(models.TextChoices):
        """What became of the row."""

        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        REMOVED = "removed", _("removed")

    at = models.DateTimeField(_("when"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("Empty where a job or a command did it."),
    )
    source = models.CharField(_("table"), max_length=63)
    row_id = models.CharField(_("row"), max_length=40)
    name = models.CharField(_("name then"), max_length=200, blank=True)
    act = models.CharField(_("act"), max_length=8, choices=Act)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    # What was changed at one go carries the same one.
    together = models.BigIntegerField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["source", "row_id", "-id"], name="leads_change_of_row")]

    def __str__(self) -> str:
        return f"{self.source} {self.row_id}"
