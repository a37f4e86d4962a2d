"""What replays need: configuration as it was, and the runs with their reports."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ConfigHistory(models.Model):
    """A row of hours, absences, reps, shares or pools as it was from an instant on; written by triggers alone.

    Without data: it was deleted. Without a time: it was there when history began.
    """

    source = models.CharField(max_length=40)
    row_id = models.BigIntegerField()
    data = models.JSONField(null=True)
    at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["source", "row_id", "id"], name="routing_confighistory_row")]

    def __str__(self) -> str:
        return f"{self.source} {self.row_id}"


class ReplayRun(models.Model):
    """One replay of a version over a period, worked off by a job."""

    class State(models.TextChoices):
        """How far it has come."""

        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    rule_set = models.ForeignKey("routing.RuleSet", on_delete=models.CASCADE, related_name="replays")
    mark = models.CharField(max_length=64, help_text=_("What the version said when it was replayed."))
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("to"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    done = models.PositiveIntegerField(_("decisions replayed"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    report = models.JSONField(_("report"), default=dict, blank=True)
    error = models.TextField(_("error"), blank=True)
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.rule_set} {self.since:%Y-%m-%d}"
