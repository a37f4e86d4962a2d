"""How a channel is doing: what came in hour by hour, and silences that are not like it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ChannelHour(models.Model):
    """What one channel took in during one hour, counted by the clock from the captures."""

    channel = models.ForeignKey("leads.Channel", on_delete=models.CASCADE, related_name="hours")
    hour = models.DateTimeField(_("hour"), help_text=_("Its beginning."))
    received = models.PositiveIntegerField(_("received"), default=0)
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    held = models.PositiveIntegerField(_("in quarantine"), default=0)
    tests = models.PositiveIntegerField(_("tests and the like"), default=0)

    class Meta:
        constraints = [
            # Counting again is an upsert; a channel's weeks are read by this index too.
            models.UniqueConstraint(fields=["channel", "hour"], name="leads_channelhour_unique")
        ]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.hour:%Y-%m-%d %H}"


class ChannelSilence(models.Model):
    """A channel that used to deliver and does not: an alarm, open until something comes in or it is switched off."""

    channel = models.ForeignKey("leads.Channel", on_delete=models.CASCADE, related_name="silences")
    since = models.DateTimeField(_("silent since"))
    noticed_at = models.DateTimeField(_("noticed"))
    chance = models.FloatField(_("chance"), help_text=_("How likely such a silence is, judged by the last four weeks."))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ["-noticed_at"]
        constraints = [
            # One alarm per silence.
            models.UniqueConstraint(
                fields=["channel"], condition=Q(ended_at__isnull=True), name="leads_channelsilence_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel_id} since {self.since:%Y-%m-%d %H:%M}"
