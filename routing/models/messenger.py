"""How a person wants to be told, and the messengers that they are told by."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class NotifyPreference(models.Model):
    """Per kind of news the ways on which it comes (a kind that is not named: the usual ones), and when it rests."""

    user = models.OneToOneField("leads.User", on_delete=models.CASCADE, related_name="notify_preference")
    ways = models.JSONField(_("ways by kind"), default=dict, blank=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(_("quiet until"), null=True, blank=True)
    digest_at = models.TimeField(_("digest at"), null=True, blank=True)

    def __str__(self) -> str:
        return str(self.user_id)


class Messenger(models.Model):
    """An address of a messenger for one person, which is a secret; given up after it was refused for good."""

    class Kind(models.TextChoices):
        """Which messenger."""

        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"

    user = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="messengers")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    url = models.TextField(_("address, encrypted"), editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    dead_at = models.DateTimeField(_("given up"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="routing_messenger_one_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
