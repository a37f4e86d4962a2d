"""A report that somebody gets by e-mail."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Subscription(models.Model):
    """One report with its filters, every working day or once a week."""

    class Rhythm(models.TextChoices):
        """How often."""

        DAILY = "daily", _("Every working day")
        WEEKLY = "weekly", _("Every Monday")

    user = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="subscriptions")
    report = models.SlugField(_("report"), max_length=40)
    query = models.CharField(max_length=500, blank=True, help_text=_("Its filters, without the period."))
    rhythm = models.CharField(_("how often"), max_length=6, choices=Rhythm, default=Rhythm.WEEKLY)
    next_at = models.DateTimeField(_("next"))
    sent_at = models.DateTimeField(_("last sent"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "report", "query"], name="leads_subscription_unique"),
        ]
        indexes = [models.Index(fields=["next_at"], name="leads_subscription_due")]

    def __str__(self) -> str:
        return f"{self.report}: {self.user}"
