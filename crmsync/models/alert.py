"""What an admin has to look at before somebody else notices."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Alert(models.Model):
    """One thing about a connection that is not as it should be, from when until when."""

    class Kind(models.TextChoices):
        """What is the matter (CRM_CONTRACT 11)."""

        OLD = "old", _("Changes wait too long")
        DEAD = "dead", _("Changes were given up")
        HELD = "held", _("Changes wait for a person")
        APART = "apart", _("Deals have lost their record")
        RESTING = "resting", _("The CRM does not answer")
        LAG = "lag", _("Reading lags behind")
        SKEW = "skew", _("The clocks differ")
        DRIFT = "drift", _("Both sides differ")
        SILENT = "silent", _("Webhooks are silent")
        QUOTA = "quota", _("The day's calls run out")
        ROUTING = "routing", _("Accounts cannot be read")

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=8, choices=Kind)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind"], condition=Q(ended_at=None), name="crmsync_alert_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connection}: {self.kind}"
