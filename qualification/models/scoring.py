"""Explicit scoring: versioned models, and every score with its explanation."""

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

AT_ONCE = 500


class ScoringModel(models.Model):
    """One version of how points are given. `rules` is a list of
    ``{"key", "label_en", "label_de", "part": "fit"|"engagement", "condition", "points"}``; engagement rules may name
    an event or touchpoint kind whose points halve every `half_life_days`."""

    class Status(models.TextChoices):
        """Where the version stands."""

        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    version = models.PositiveIntegerField(_("version"), unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    rules = models.JSONField(_("rules"), default=list)
    groups = models.JSONField(
        _("groups"), default=list, blank=True, help_text=_("Rules that share a cap: key, label_en, label_de, most.")
    )
    changing = ArrayField(
        models.TextField(),
        default=list,
        blank=True,
        editable=False,
        help_text=_("The facts that a score given to many at once keeps, in their order."),
    )
    half_life_days = models.PositiveSmallIntegerField(_("half-life of engagement in days"), default=14)
    note = models.CharField(_("what changed"), max_length=200, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="qualification_scoringmodel_one_published"
            )
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


class ScoreQuerySet(models.QuerySet["Score"]):
    """Scores, read with the facts of then."""

    def known(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The number of each with its facts; where it says only what had changed, what the last whole one below knew
        and what those in between had said come before it."""
        below = Score.objects.filter(
            Q(at__lt=OuterRef("at")) | Q(at=OuterRef("at"), pk__lt=OuterRef("pk")), lead=OuterRef("lead"), is_whole=True
        ).order_by("-at", "-pk")
        fields = ("pk", "lead_id", "at", "is_whole", "facts", "below")
        rows = self.annotate(below=Subquery(below.values("pk")[:1])).values_list(*fields, named=True)
        left = rows.iterator(AT_ONCE)
        while some := list(islice(left, AT_ONCE)):
            partly = [row for row in some if not row.is_whole]
            wholes = Score.objects.filter(pk__in={row.below for row in partly}).in_bulk()
            said = defaultdict(list)
            between = Score.objects.filter(lead__in={row.lead_id for row in partly}, is_whole=False)
            for one in between.select_related("model"):
                said[one.lead_id].append(one)
            for row in some:
                yield (
                    row.pk,
                    row.facts if row.is_whole else _put_together(row, wholes.get(row.below), said[row.lead_id]),
                )


def _put_together(row: Any, whole: "Score | None", said: list["Score"]) -> dict[str, Any]:
    """What was known when this was given: first the whole one, then what those after it said, newest first in the
    list."""
    known = dict(whole.facts) if whole else {}
    begin = (whole.at, whole.pk) if whole else None
    for one in reversed(said):
        if (begin is None or begin < (one.at, one.pk)) and (one.at, one.pk) <= (row.at, row.pk):
            known |= one.facts | one.changed_facts
    return known


class Score(models.Model):
    """One scoring of one lead: parts, grade and each point with its reason; the newest is on the lead itself."""

    # Triggers hold what these three refer to, once for a statement: a constraint asks for every row, which costs more
    # than the score itself where a million are written. The index over lead and time serves for the lead alone.
    lead = models.ForeignKey(
        "leads.Lead", on_delete=models.CASCADE, related_name="scores", db_index=False, db_constraint=False
    )
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="scores", db_constraint=False)
    at = models.DateTimeField(_("scored"))
    fit = models.PositiveSmallIntegerField(_("fit"))
    engagement = models.PositiveSmallIntegerField(_("engagement"))
    grade = models.CharField(_("grade"), max_length=2)
    prediction = models.ForeignKey(
        "qualification.PredictionModel",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="scores",
        db_index=False,
        db_constraint=False,
    )
    win_probability = models.FloatField(null=True, blank=True)
    win_low = models.FloatField(null=True, blank=True)
    win_high = models.FloatField(null=True, blank=True)
    reasons = models.JSONField(
        _("reasons"), default=list, help_text=_("by rule: its key, points, and the facts that gave them")
    )
    facts = models.JSONField(_("facts as they were"), default=dict)
    # Where it is not, only what may have changed since the last whole one is here; `all_facts` has everything. Its
    # reasons are worked out when somebody asks.
    is_whole = models.BooleanField(default=True)
    changed = ArrayField(
        models.TextField(), null=True, blank=True, help_text=_("as JSON, in the order of the model's changing facts")
    )

    objects = ScoreQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["lead", "-at", "-id"], name="qualification_score_newest")]

    def __str__(self) -> str:
        return f"{self.grade} ({self.fit}/{self.engagement})"

    @property
    def all_facts(self) -> dict[str, Any]:
        """Everything that was known when it was given."""
        known: dict[str, Any] = self.facts if self.is_whole else dict(Score.objects.filter(pk=self.pk).known())[self.pk]
        return known

    @property
    def changed_facts(self) -> dict[str, Any]:
        """What a score given to many at once says, with what it gave."""
        if self.changed is None:
            return {}
        return {name: json.loads(text) for name, text in zip(self.model.changing, self.changed, strict=True)} | {
            "now": self.at.isoformat(),
            "score.fit": self.fit,
            "score.engagement": self.engagement,
            "score.grade": self.grade,
            "score.win_probability": self.win_probability,
        }


class RescoreRun(models.Model):
    """Every open lead scored anew by a version, worked off by a job."""

    class State(models.TextChoices):
        """How far it has come."""

        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    model = models.ForeignKey(ScoringModel, on_delete=models.CASCADE, related_name="rescorings")
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    done = models.PositiveIntegerField(_("leads scored"), default=0)
    moved = models.PositiveIntegerField(_("leads of another grade"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    asked_at = models.DateTimeField(_("asked"))
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="running"), name="qualification_rescorerun_one_running"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.done} of {self.total}"


class RescoreLane(models.Model):
    """The part of a run whose leads' numbers leave this remainder: several jobs work side by side, each on another.

    It also keeps the rows that one transaction writes apart from each other, so that each finds room on its own page.
    """

    run = models.ForeignKey(RescoreRun, on_delete=models.CASCADE, related_name="lanes")
    remainder = models.PositiveSmallIntegerField()
    after = models.BigIntegerField(default=0, help_text=_("The last lead that was scored; the job goes on after it."))
    is_done = models.BooleanField(default=False)

    class Meta:
        ordering = ["remainder"]
        constraints = [models.UniqueConstraint(fields=["run", "remainder"], name="qualification_rescorelane_one_each")]

    def __str__(self) -> str:
        return f"{self.run_id}, {self.remainder}"
