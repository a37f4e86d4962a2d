"""Telling people, with a delivery log."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """One message to one person on one way. Unique per occasion, so a job that runs twice tells once."""

    class Way(models.TextChoices):
        """How the person is told."""

        IN_APP = "in_app", _("On screen")
        EMAIL = "email", _("E-mail")
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"

    class Status(models.TextChoices):
        """How far the message has come."""

        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    user = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="notifications")
    lead = models.ForeignKey(
        "leads.Lead", on_delete=models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    occasion = models.CharField(max_length=120, help_text=_("What it is about, such as assignment:17."))
    way = models.CharField(_("way"), max_length=8, choices=Way)
    kind = models.CharField(_("kind"), max_length=40)
    context = models.JSONField(default=dict, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField()
    # When it was taken to be sent; while it waits: when a worker was last nudged.
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    # Waits to be told together with others in one e-mail.
    is_digest = models.BooleanField(_("in a digest"), default=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["occasion", "user", "way"], name="routing_notification_once")]
        indexes = [
            # What still has to go out.
            models.Index(
                fields=["created_at"], condition=Q(status__in=["waiting", "sending"]), name="routing_notification_open"
            ),
            # A person's unseen news.
            models.Index(
                fields=["user", "-created_at"],
                condition=Q(way="in_app", seen_at__isnull=True),
                name="routing_notification_news",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user_id}"
