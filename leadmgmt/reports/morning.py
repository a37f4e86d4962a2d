"""The morning page: what changed on the last working day, and what needs somebody today."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import fmean, variance
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, DateField
from django.db.models.functions import Cast, TruncDate
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from leadmgmt.core.now import now
from leadmgmt.core.shares import Z95
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.leaks import Leak, leaks
from leads.cohort import day_start
from leads.models import Lead, LeadEvent, Stage
from leads.querysets import LeadQuerySet
from routing.models import SlaClock

# What the last day is compared with.
DAYS = 20
SATURDAY = 5


@dataclass(frozen=True)
class Measure:
    """One figure of the last working day beside its usual. ``verdict``: more, less, or empty where it is as ever."""

    kind: str
    label: str | Promise
    count: int
    usual: float
    course: tuple[int, ...]
    verdict: str
    url: str


@dataclass(frozen=True)
class Morning:
    """The page. ``day`` is the last working day."""

    day: date
    measures: tuple[Measure, ...]
    needs: tuple[Leak, ...]

    @property
    def unusual(self) -> list[Measure]:
        """What was not as ever."""
        return [one for one in self.measures if one.verdict]


def working_days(before: date, count: int) -> list[date]:
    """So many working days before a day, oldest first."""
    found: list[date] = []
    day = before
    while len(found) < count:
        day -= timedelta(days=1)
        if day.weekday() < SATURDAY:
            found.append(day)
    return found[::-1]


def morning(filters: Filters) -> Morning:
    """Answer for the leads that the reader may see, of one team where one is asked for."""
    days = working_days(now().astimezone(ZoneInfo(settings.TIME_ZONE)).date(), DAYS + 1)
    everything = Lead.objects.visible_to(filters.reader) if filters.reader else Lead.objects.all()
    leads = everything.filter(team__slug=filters.team) if filters.team else everything
    measures = tuple(_measure(kind, filters, days, series(leads, days)) for kind, series in SERIES.items())
    found = leaks(Filters(team=filters.team, reader=filters.reader))
    return Morning(days[-1], measures, tuple(leak for leak in found.leaks if leak.count))


Series = Callable[[LeadQuerySet, list[date]], dict[date, int]]


def _events(kind: str, **narrower: Any) -> Series:
    """Leads with such an event, by day."""

    def series(leads: LeadQuerySet, days: list[date]) -> dict[date, int]:
        rows = LeadEvent.objects.filter(kind=kind, lead__in=leads.filter(**narrower), **_within(days, "at"))
        return _by_day(rows, "at", "lead")

    return series


def _captured(leads: LeadQuerySet, days: list[date]) -> dict[date, int]:
    return _by_day(leads.filter(**_within(days, "first_seen_at")), "first_seen_at", "pk")


def _broken(leads: LeadQuerySet, days: list[date]) -> dict[date, int]:
    return _by_day(SlaClock.objects.filter(lead__in=leads, **_within(days, "breached_at")), "breached_at", "lead")


def _within(days: list[date], field: str) -> dict[str, datetime]:
    return {f"{field}__gte": day_start(days[0]), f"{field}__lt": day_start(days[-1] + timedelta(days=1))}


def _by_day(rows: Any, field: str, what: str) -> dict[date, int]:
    zone = ZoneInfo(settings.TIME_ZONE)
    days = rows.annotate(day=Cast(TruncDate(field, tzinfo=zone), DateField())).order_by().values("day")
    return dict(days.annotate(count=Count(what, distinct=True)).values_list("day", "count"))


SERIES: dict[str, Series] = {
    "captured": _captured,
    "mql": _events("stage.mql"),
    "sql": _events("stage.sql"),
    "opportunity": _events("stage.opportunity"),
    "won": _events("stage.won", stage=Stage.WON),
    "broken": _broken,
}
LABELS: dict[str, str | Promise] = {
    "captured": _("New leads"),
    "mql": _("MQL"),
    "sql": _("SQL"),
    "opportunity": _("Handed over"),
    "won": pgettext_lazy("leads", "Won"),
    "broken": _("Promises broken"),
}


def _measure(kind: str, filters: Filters, days: list[date], found: dict[date, int]) -> Measure:
    course = tuple(found.get(day, 0) for day in days)
    before, count = course[:-1], course[-1]
    usual = fmean(before)
    # Counts scatter at least as much as chance makes them (Poisson), and more where the days differ.
    spread = Z95 * sqrt(max(variance(before), usual, 1.0))
    verdict = "more" if count > usual + spread else "less" if count < usual - spread else ""
    return Measure(kind, LABELS[kind], count, usual, course, verdict, _url(kind, filters, days[-1]))


def _url(kind: str, filters: Filters, day: date) -> str:
    """The leads of that day."""
    words = {"from": day.isoformat(), "to": day.isoformat()}
    if kind == "captured":
        words["cohort"] = "1"
    elif kind == "broken":
        return f"{reverse('reports:speed')}?{urlencode(words | ({'team': filters.team} if filters.team else {}))}"
    else:
        words["reached"] = kind
    if filters.team:
        words["team"] = filters.team
    return f"{reverse('qualification:lead_list')}?{urlencode(words)}"
