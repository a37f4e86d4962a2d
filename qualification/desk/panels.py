"""The right-hand side of a lead: its score with reasons, what is known for SQL, and how fast it came to its rep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from leadmgmt.core.now import now
from leads.facts import lead_facts
from leads.models import Lead
from qualification.asking import asked_of_lead
from qualification.desk.asked import Asked
from qualification.models import Answer, Framework, Question, Score
from qualification.services.score_reasons import told
from qualification.share_facts import share_of


@dataclass(frozen=True)
class Reason:
    """One line of a score: what gave or took points."""

    label: str
    points: float

    @property
    def raises(self) -> bool:
        """Whether it speaks for the lead."""
        return self.points >= 0


@dataclass(frozen=True)
class ScorePanel:
    """The newest score; probability and its interval are None while too little has been learned."""

    score: Score
    reasons: list[Reason]


def score_panel(score: Score | None, most: int | None = None) -> ScorePanel | None:
    """A score with its reasons, the weightiest first; None before the first scoring."""
    if score is None:
        return None
    reasons = [_reason(one) for one in told(score)]
    shown = [one for one in reasons if round(one.points) != 0][:most]
    return ScorePanel(score, sorted(shown, key=lambda one: -one.points))


def _reason(stored: dict[str, Any]) -> Reason:
    language = "de" if (get_language() or "").startswith("de") else "en"
    label = stored.get(f"label_{language}") or stored.get("label_en") or stored.get("label") or stored.get("key", "")
    if isinstance(label, dict):
        label = label.get(language) or label.get("en", "")
    return Reason(str(label), float(stored.get("points") or 0))


@dataclass(frozen=True)
class Item:
    """One question and where it stands."""

    question: Question
    answer: Answer | None
    # Answered in our favour, but too long ago.
    is_stale: bool = False
    # What they have told elsewhere, where nobody has answered it yet.
    known: str = ""

    @property
    def is_missing(self) -> bool:
        """Asked for SQL, and nobody knows yet."""
        return self.answer is None

    @property
    def speaks_against(self) -> bool:
        """Answered, and not in our favour."""
        return self.answer is not None and not self.answer.is_met

    @property
    def is_open(self) -> bool:
        """Still stands between the lead and SQL."""
        return self.question.is_required and (self.answer is None or not self.answer.is_met or self.is_stale)


@dataclass(frozen=True)
class Assessment:
    """The framework in force with its answers: missing first, then what speaks against, then the rest."""

    framework: Framework | None
    items: list[Item]
    # What was answered before has to be asked again.
    since: datetime

    @property
    def is_of_before(self) -> bool:
        """All answers are there, and none was given since the lead came back."""
        answers = [item.answer for item in self.items if item.question.is_required and item.answer]
        return bool(answers) and not self.open_items and all(answer.at < self.since for answer in answers)

    @property
    def open_items(self) -> list[Item]:
        """What SQL still needs."""
        return [item for item in self.items if item.is_open]

    @property
    def following(self) -> str:
        """The key of the question to ask next: what SQL needs, else what nobody knows, else the first."""
        unknown = [item for item in self.items if item.is_missing]
        return next((item.question.key for item in (*self.open_items, *unknown, *self.items)), "")

    @property
    def share(self) -> int | None:
        """How far it is qualified, in percent of the weight of what is asked; None where nothing weighs."""
        held = {item.question.pk for item in self.items if item.answer and item.answer.is_met and not item.is_stale}
        return share_of([item.question for item in self.items], held)

    @property
    def missing(self) -> list[Item]:
        """What nobody knows yet."""
        return [item for item in self.items if item.is_missing and item.question.is_required]


def assessment(lead: Lead, asked: Asked) -> Assessment:
    """What is known of the lead under the framework in force, in one query, and one per segment that is asked more."""
    at = now()
    theirs = asked_of_lead(lead, asked.questions, at)
    current = Answer.objects.filter(lead=lead, superseded_at__isnull=True, question__in=theirs)
    answers = {answer.question_id: answer for answer in current.select_related("by")} if theirs else {}
    known = _known_elsewhere(lead, [one for one in theirs if one.known_from and one.pk not in answers], at)
    items = [_item(one, answers.get(one.pk), at, known.get(one.pk, "")) for one in theirs]
    return Assessment(asked.framework, sorted(items, key=_missing_first), lead.asked_since)


def _known_elsewhere(lead: Lead, questions: list[Question], at: datetime) -> dict[int, str]:
    """What facts say to these questions; where none is asked so, it costs nothing."""
    if not questions or not lead.is_working:
        return {}
    facts = lead_facts(lead, at)
    found = {one.pk: facts.get(one.known_from) for one in questions}
    return {pk: str(value)[:2000] for pk, value in found.items() if value not in (None, "")}


def _item(question: Question, answer: Answer | None, at: datetime, known: str) -> Item:
    stale = answer is not None and answer.is_met and answer.is_stale(question.valid_days, at)
    return Item(question, answer, stale, known)


def _missing_first(item: Item) -> tuple[int, int]:
    rank = 0 if item.is_missing and item.question.is_required else 1 if item.speaks_against or item.is_stale else 2
    return (rank, item.question.position)


@dataclass(frozen=True)
class Timing:
    """One step of the machine: how long it took, in milliseconds; None if it has not happened."""

    label: str | Promise
    took_ms: int | None


def timings(lead: Lead) -> list[Timing]:
    """How long each step took, captured to notified. Empty for history, which no machine has worked."""
    if lead.is_history:
        return []
    steps: Sequence[tuple[str | Promise, Any]] = (
        (_("enriched"), lead.enriched_at),
        (_("scored"), lead.scored_at),
        (_("routed"), lead.routed_at),
        (_("notified"), lead.notified_at),
    )
    found, before = [], lead.captured_at
    for label, at in steps:
        # A later re-scoring moves its stamp past the steps that follow; then its time tells nothing.
        took = None if at is None or at < before else round((at - before).total_seconds() * 1000)
        found.append(Timing(label, took))
        before = at if took is not None else before
    return found


def total_ms(lead: Lead) -> int | None:
    """Captured to notified; None while it is on its way."""
    if lead.is_history or lead.notified_at is None or lead.notified_at < lead.captured_at:
        return None
    return round((lead.notified_at - lead.captured_at).total_seconds() * 1000)
