"""The page of the learned chance: how good a version is, as pictures with their figures, and what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.shares import Z90, wilson
from qualification.desk.learned import fact_label
from qualification.models import PredictionFact, PredictionModel
from qualification.services.prediction_versions import is_better, is_worse

# The side of the reliability diagram, in its own units.
SIDE = 100.0
EDGES = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
# So many parts of the leads at most; those that are off come first.
MOST_SEGMENTS = 12


@dataclass(frozen=True)
class Dot:
    """One part of the leads in the reliability diagram: expected, observed with its interval, and where it is drawn."""

    expected: float
    observed: float
    low: float
    high: float
    leads: int
    x: str
    y: str
    top: str
    bottom: str


@dataclass(frozen=True)
class Tenth:
    """A tenth of the leads, the likeliest first; ``reach`` is the share of all wins up to here."""

    place: int
    rate: float
    lift: float
    reach: float
    leads: int


@dataclass(frozen=True)
class Named:
    """A fact in words with a figure."""

    fact: str
    label: str
    figure: float


@dataclass(frozen=True)
class Segment:
    """One part of the leads, with what was expected and what came."""

    label: str
    value: str
    leads: int
    expected: float
    observed: float
    low: float
    high: float
    is_off: bool


@dataclass(frozen=True)
class Refusal:
    """A fact that is not looked at, and why."""

    fact: str
    label: str
    why: str


@dataclass(frozen=True)
class Alarm:
    """Something that is no longer as it was when the version was trained."""

    text: str
    is_bad: bool


@dataclass(frozen=True)
class Version:
    """Everything that the page shows of one version."""

    row: PredictionModel
    auc: Mapping[str, float]
    dots: list[Dot]
    scale: float
    tenths: list[Tenth]
    matters: list[Named]
    most: float
    segments: list[Segment]
    refused: list[Refusal]
    alarms: list[Alarm]
    verdict: str
    is_better: bool
    is_worse: bool

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """The ways to learn that were tried, the best first."""
        return sorted(self.row.quality["candidates"], key=lambda one: one["log_loss"])


def version_of(row: PredictionModel) -> Version:
    """A version in words and pictures."""
    quality = row.quality
    scale = _scale(quality["bins"])
    parts = sorted(quality["segments"], key=lambda one: not one["is_off"])
    matters = [Named(one["fact"], fact_label(one["fact"]), one["shift"]) for one in quality["matters"]]
    return Version(
        row=row,
        auc=quality["auc"],
        dots=[_dot(one, scale) for one in quality["bins"]],
        scale=scale,
        tenths=_tenths(quality["lift"]),
        matters=matters,
        most=max((one.figure for one in matters), default=1.0) or 1.0,
        segments=[_segment(one) for one in parts[:MOST_SEGMENTS]],
        refused=[_refusal(one) for one in row.refused],
        alarms=_alarms(row.drift),
        verdict=_verdict(row),
        is_better=is_better(row),
        is_worse=is_worse(row),
    )


def _scale(parts: Sequence[Mapping[str, float]]) -> float:
    """How far the diagram reaches: to the next round share above all that is drawn."""
    most = max((max(one["expected"], wilson(one["observed"], one["leads"], Z90)[1]) for one in parts), default=1.0)
    return next((edge for edge in EDGES if edge >= most), 1.0)


def _dot(part: Mapping[str, float], scale: float) -> Dot:
    low, high = wilson(part["observed"], part["leads"], Z90)
    shares = (part["expected"], scale - part["observed"], scale - high, scale - low)
    places = [f"{SIDE * share / scale:.1f}" for share in shares]
    return Dot(part["expected"], part["observed"], low, high, int(part["leads"]), *places)


def _tenths(lift: Sequence[Mapping[str, float]]) -> list[Tenth]:
    found, reach = [], 0.0
    for place, part in enumerate(lift, 1):
        reach += part["wins"]
        found.append(Tenth(place, part["rate"], part["lift"], min(1.0, reach), int(part["leads"])))
    return found


def _segment(part: Mapping[str, Any]) -> Segment:
    figures = {name: part[name] for name in ("leads", "expected", "observed", "low", "high", "is_off")}
    return Segment(label=fact_label(part["fact"]), value=part["value"] or _("not known"), **figures)


def _refusal(one: Mapping[str, Any]) -> Refusal:
    share = {"share": formats.percent(one["figure"], 1)}
    why = (
        _("It was set after the end for %(share)s of the closed leads.") % share
        if one["why"] == "changed"
        else _("Alone it tells won from lost in %(share)s of all pairs: whoever filled it in knew.") % share
    )
    return Refusal(one["fact"], fact_label(one["fact"]), why)


def _alarms(drift: Mapping[str, Any]) -> list[Alarm]:
    if not drift:
        return []
    found = []
    for shift in drift["shifts"]:
        if shift["is_alarm"]:
            what = fact_label(shift["fact"]) if shift["fact"] else _("The chances themselves")
            words = {
                "fact": what,
                "index": formats.number(shift["index"], 2),
                "limit": formats.number(shift["limit"], 2),
            }
            found.append(Alarm(_("%(fact)s: index %(index)s, alarm from %(limit)s on") % words, True))
    words = {
        "wins": formats.number(drift["wins"]),
        "expected": formats.number(drift["expected"]),
        "outcomes": formats.number(drift["outcomes"]),
    }
    if drift["more"]["called"]:
        text = _("More is won than was predicted: %(wins)s of %(outcomes)s leads, %(expected)s were expected.")
        found.append(Alarm(text % words, True))
    if drift["fewer"]["called"]:
        text = _("Less is won than was predicted: %(wins)s of %(outcomes)s leads, %(expected)s were expected.")
        found.append(Alarm(text % words, True))
    return found


def _verdict(row: PredictionModel) -> str:
    """What may be said of a version beside what predicts now."""
    trial = row.trial
    if trial and "gain" not in trial:
        words = {"outcomes": formats.number(trial["outcomes"]), "needed": formats.number(trial["needed"])}
        return _("%(outcomes)s of at least %(needed)s new outcomes: not yet to be told apart.") % words
    if is_better(row):
        return _("Surely better than what predicts now.") if trial else _("Surely better than the chance by grade.")
    if is_worse(row):
        return _("Surely worse than what predicts now.") if trial else _("Surely worse than the chance by grade.")
    return (
        _("Not to be told apart from what predicts now.") if trial else _("Not surely better than the chance by grade.")
    )


def said_facts() -> list[tuple[PredictionFact, str]]:
    """What admins have said of single facts."""
    return [(row, fact_label(row.fact)) for row in PredictionFact.objects.select_related("by")]
