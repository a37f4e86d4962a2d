"""A report's main figures beside those of the period before, and which of the differences may be chance."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from math import isinf
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Left

from leadmgmt.core.now import now
from leadmgmt.reports.attribution import attribution
from leadmgmt.reports.filters import Filters, today
from leadmgmt.reports.funnel import total_at
from leadmgmt.reports.leak_history import history
from leadmgmt.reports.sources import costs_of
from leadmgmt.reports.speed import speed
from leadmgmt.reports.statistics import Difference, difference, wilson
from leadmgmt.reports.syncing import syncing
from leadmgmt.reports.table import Table
from leadmgmt.reports.team import team
from leads.cohort import happened
from qualification.models import NurtureEnrolment, Score

MORE, LESS, EITHER = 1, -1, 0


@dataclass(frozen=True)
class Figure:
    """One main figure. ``unit``: share, count (of a period), level (at its end), seconds or money.

    ``of``: hits and trials of a share.
    """

    name: str
    unit: str
    value: float | None
    wanted: int = EITHER
    of: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Measure:
    """One figure in both periods, and how many days each has."""

    figure: Figure
    earlier: Figure
    days: tuple[int, int]

    @property
    def change(self) -> Difference | None:
        """The difference of two shares; None for what is no share."""
        if self.figure.unit != "share":
            return None
        return difference(*self.figure.of, *self.earlier.of)

    @property
    def growth(self) -> float | None:
        """How much more a day than before, as a share of before; None for shares and where there was nothing."""
        if self.figure.unit == "share" or self.figure.value is None or not self.earlier.value:
            return None
        is_by_day = self.figure.unit not in ("seconds", "level") and self.figure.name != "per_sql"
        by_day = self.days[1] / self.days[0] if is_by_day else 1
        return self.figure.value / self.earlier.value * by_day - 1

    @property
    def is_noise(self) -> bool | None:
        """Whether chance explains it; None where that cannot be told (times, money)."""
        if self.figure.unit == "share":
            return self.change.is_noise if self.change else None
        if self.figure.unit != "count" or self.figure.value is None or self.earlier.value is None:
            return None
        # Of all that was counted in both periods, each has its share of the days, if nothing changed.
        ours, theirs = int(self.figure.value), int(self.earlier.value)
        found = wilson(ours, ours + theirs)
        return found.low <= self.days[0] / sum(self.days) <= found.high if found else None

    @property
    def verdict(self) -> str:
        """better or worse, where it is no chance and one of them is wanted; else noise, or empty."""
        if self.is_noise is None:
            return ""
        moved = self.change.points if self.change else self.growth or 0.0
        if self.is_noise:
            return "noise"
        return {True: "better", False: "worse"}[moved * self.figure.wanted > 0] if self.figure.wanted else ""


@dataclass(frozen=True)
class Comparison:
    """The figures of both periods; of a period that still runs, as many days of each as have been."""

    period: Filters
    before: Filters
    measures: tuple[Measure, ...] = ()


def compared(name: str, filters: Filters) -> Comparison | None:
    """Both periods of one report; None where none is asked for, there is none before, or the report has none."""
    previous = filters.previous() if filters.compares else None
    if previous is None or name not in FIGURES:
        return None
    period, before = _alike(filters, previous)
    days = (_days(period), _days(before))
    if min(days) < 1:
        return None
    at = now()
    figures = FIGURES[name](period, at)
    # What takes its time is looked at when the leads of both periods were as old.
    earlier = FIGURES[name](before, at - period.age_shift(before))
    measures = (Measure(one, other, days) for one, other in zip(figures, earlier, strict=True))
    return Comparison(period, before, tuple(measures))


def _alike(filters: Filters, previous: Filters) -> tuple[Filters, Filters]:
    if not filters.first or not filters.last or not previous.first or not previous.last or filters.last <= today():
        return filters, previous
    gone = today() - filters.first
    return replace(filters, last=today()), replace(previous, last=min(previous.last, previous.first + gone))


def compared_tables(name: str, filters: Filters) -> list[Table]:
    """The comparison for files and programs; none where it is not asked for."""
    found = compared(name, filters)
    rows: list[dict[str, Any]] = [
        {
            "figure": one.figure.name,
            "unit": one.figure.unit,
            "value": one.figure.value,
            "before": one.earlier.value,
            "change": one.change.points if one.change else one.growth,
            "may_be_chance": one.is_noise,
        }
        for one in (found.measures if found else ())
    ]
    return [Table("compared", rows)] if rows else []


def _days(filters: Filters) -> int:
    return ((filters.last or today()) - (filters.first or today())).days + 1


def _share(name: str, hits: int, trials: int, wanted: int = MORE) -> Figure:
    return Figure(name, "share", hits / trials if trials else None, wanted, (hits, trials))


def _speed(filters: Filters, _at: datetime) -> list[Figure]:
    total = speed(filters).total
    median = None if total.p50 is None or isinf(total.p50) else total.p50
    return [
        _share("kept", total.kept, total.promised),
        _share("never", total.never, total.promised, LESS),
        Figure("median", "seconds", median, LESS),
    ]


def _sources(filters: Filters, at: datetime) -> list[Figure]:
    total, costs = total_at(filters, at), costs_of(filters, "source")
    cost = float(sum(costs.values())) if costs else None
    return [
        Figure("captured", "count", total.captured, MORE),
        _share("sql", total.sql, total.captured),
        _share("won", total.won, total.captured),
        Figure("cost", "money", cost),
        Figure("per_sql", "money", cost / total.sql if cost is not None and total.sql else None, LESS),
    ]


def _attribution(filters: Filters, _at: datetime) -> list[Figure]:
    found = attribution(filters)
    return [
        Figure("deals", "count", found.wins, MORE),
        _share("win_rate", found.wins, found.deals),
        Figure("revenue", "money", float(found.revenue), MORE),
    ]


def _sync(filters: Filters, _at: datetime) -> list[Figure]:
    lines = syncing(filters).lines
    sent = sum(line.sent for line in lines)
    stuck = sum(line.stuck_total for line in lines)
    return [
        Figure("sent", "count", sent),
        Figure("came", "count", sum(line.came for line in lines)),
        _share("within_minute", sum(line.within_minute for line in lines), sent),
        _share("stuck", stuck, sent + stuck, LESS),
    ]


def _team(filters: Filters, _at: datetime) -> list[Figure]:
    lines = team(filters).sdrs
    accepted = sum(line.deals.accepted for line in lines)
    refused = sum(line.deals.refused for line in lines)
    return [
        _share("kept", sum(line.received.kept for line in lines), sum(line.received.promised for line in lines)),
        _share("accepted", accepted, accepted + refused),
    ]


def _scoring(filters: Filters, at: datetime) -> list[Figure]:
    graded = filters.leads().filter(scored_at__isnull=False)
    first = Score.objects.filter(lead=OuterRef("pk")).order_by("at", "pk")
    counted = graded.annotate(
        letter=Left(Subquery(first.values("grade")[:1]), 1),
        is_sql=happened("stage.sql", end=at),
    ).aggregate(
        leads=Count("pk"),
        best=Count("pk", filter=Q(letter="A")),
        best_sql=Count("pk", filter=Q(letter="A", is_sql=True)),
        others_sql=Count("pk", filter=~Q(letter="A") & Q(is_sql=True)),
    )
    return [
        Figure("scored", "count", counted["leads"]),
        _share("graded_a", counted["best"], counted["leads"], EITHER),
        _share("a_sql", counted["best_sql"], counted["best"]),
        _share("others_sql", counted["others_sql"], counted["leads"] - counted["best"]),
    ]


def _nurture(filters: Filters, at: datetime) -> list[Figure]:
    slept = NurtureEnrolment.objects.filter(lead__in=filters.leads(), starts_at__lt=at)
    ends = NurtureEnrolment.End
    back = Q(ended_at__lt=at, end__in=[ends.WOKEN, ends.RETURNED])
    counted = slept.aggregate(
        slept=Count("lead", distinct=True),
        back=Count("lead", filter=back, distinct=True),
        alone=Count("lead", filter=back & Q(end=ends.RETURNED), distinct=True),
    )
    return [
        Figure("slept", "count", counted["slept"]),
        _share("back", counted["back"], counted["slept"]),
        _share("alone", counted["alone"], counted["slept"]),
    ]


def _leaks(filters: Filters, _at: datetime) -> list[Figure]:
    found = history(filters)
    is_known = found is not None and found.before is not None
    return [
        Figure("leaking", "level", found.left if found else None, LESS),
        Figure("leak_came", "count", found.came if found and is_known else None, LESS),
        Figure("leak_stopped", "count", found.stopped if found and is_known else None, MORE),
    ]


FIGURES: dict[str, Callable[[Filters, datetime], list[Figure]]] = {
    "speed": _speed,
    "sources": _sources,
    "attribution": _attribution,
    "sync": _sync,
    "team": _team,
    "scoring": _scoring,
    "nurture": _nurture,
    "leaks": _leaks,
}
