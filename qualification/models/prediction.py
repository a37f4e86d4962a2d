"""The learned win probability: versions, the trainings that made them, and what an admin says about single facts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PredictionModel(models.Model):
    """One trained version. At most one predicts (the champion), at most one is tried beside it (the challenger)."""

    class Status(models.TextChoices):
        """Where the version stands."""

        SHADOW = "shadow", _("Challenger")
        PUBLISHED = "published", _("Champion")
        ARCHIVED = "archived", _("Archived")

    version = models.PositiveIntegerField(_("version"), unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.SHADOW)
    family = models.CharField(_("kind"), max_length=10)
    trained_at = models.DateTimeField(_("trained"))
    horizon_days = models.PositiveSmallIntegerField(_("wins within days"))
    examples = models.PositiveIntegerField(_("leads learned from"))
    wins = models.PositiveIntegerField(_("wins among them"))
    body = models.JSONField(_("the model"), help_text=_("Weights or trees, as `qualification.prediction` reads them."))
    quality = models.JSONField(_("quality"), default=dict)
    refused = models.JSONField(_("refused facts"), default=list)
    reference = models.JSONField(_("leads it was trained on"), default=dict)
    drift = models.JSONField(_("drift"), default=dict)
    drift_at = models.DateTimeField(_("looked for drift"), null=True, blank=True)
    trial = models.JSONField(_("beside the champion"), default=dict)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="qualification_predictionmodel_one_published"
            ),
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="shadow"), name="qualification_predictionmodel_one_shadow"
            ),
        ]

    def __str__(self) -> str:
        return f"P{self.version}"


class TrainingRun(models.Model):
    """One training, in a process of its own; or one look at drift and at the challenger."""

    class Kind(models.TextChoices):
        """What it does."""

        TRAIN = "train", _("Training")
        WATCH = "watch", _("Looking for drift")

    class State(models.TextChoices):
        """How far it has come."""

        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        TOO_FEW = "too_few", _("Not enough outcomes")
        FAILED = "failed", _("Failed")

    kind = models.CharField(_("kind"), max_length=5, choices=Kind, default=Kind.TRAIN)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    share = models.PositiveSmallIntegerField(_("done, percent"), default=0)
    wins = models.PositiveIntegerField(_("wins"), default=0)
    others = models.PositiveIntegerField(_("leads that were not won"), default=0)
    model = models.ForeignKey(PredictionModel, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    error = models.TextField(_("error"), blank=True)
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="running"), name="qualification_trainingrun_one_running"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class PredictionFact(models.Model):
    """What an admin says about a fact: never to be looked at, or to be looked at though the guard refuses it."""

    class Choice(models.TextChoices):
        """What is said."""

        LEAVE_OUT = "leave_out", _("leave out")
        ALLOW = "allow", _("use all the same")

    fact = models.CharField(_("fact"), max_length=200, unique=True)
    choice = models.CharField(_("choice"), max_length=9, choices=Choice)
    by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(_("since"))

    class Meta:
        ordering = ["fact"]

    def __str__(self) -> str:
        return f"{self.fact}: {self.choice}"
