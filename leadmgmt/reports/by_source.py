"""Which source brings what? One line per source of a funnel's cohort, with its last 13 weeks."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from leadmgmt.reports.filters import Filters, today
from leadmgmt.reports.funnel import STAGES, Funnel, Line, stage_url
from leadmgmt.reports.query import rows
from leadmgmt.reports.statistics import Difference, Interval, difference, wilson
from leads.cohort import NONE, day_start
from leads.models import Source

WEEKS = 13

# Captured leads per source and week, counted back from the period's end.
COURSE = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */)
SELECT cohort.source_id, floor(extract(epoch FROM %s - event.at) / 604800)::int AS weeks_ago, count(*)
FROM leads_leadevent event JOIN cohort USING (lead_id)
WHERE event.kind = 'lead.captured' AND event.at >= %s AND event.at < %s
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Week:
    """Captured leads of one source in one week."""

    source_id: int | None
    weeks_ago: int
    count: int


@dataclass(frozen=True)
class Cell:
    """A figure and the leads behind it."""

    count: int
    url: str


@dataclass(frozen=True)
class SourceLine:
    """One source. Without a source of its own it is “No source given”, which no source is called."""

    slug: str
    name: str
    cells: tuple[Cell, ...]
    course: tuple[int, ...]
    to_sql: float | None
    interval: Interval | None
    share_of_best: float
    change: Difference | None
    revenue: Decimal | None
    line: Line


def by_source(funnel: Funnel) -> list[SourceLine]:
    """The funnel's lines by source, best share of captured to SQL first."""
    course = _course(funnel.filters)
    named = Source.objects.in_bulk([key for key in funnel.by_source if key is not None])
    best = max((line.sql / line.captured for line in funnel.by_source.values()), default=0) or 1
    found = [
        _line(funnel, line, named.get(key) if key is not None else None, course.get(key, (0,) * WEEKS), best)
        for key, line in funnel.by_source.items()
    ]
    return sorted(found, key=lambda line: (-(line.to_sql or 0), -line.line.captured, line.name))


def _line(funnel: Funnel, line: Line, source: Source | None, course: tuple[int, ...], best: float) -> SourceLine:
    slug = source.slug if source else NONE
    before = funnel.before_by_source.get(line.key)
    share = line.sql / line.captured
    return SourceLine(
        slug=slug,
        name=source.name if source else "",
        cells=tuple(Cell(line.reached(stage), stage_url(funnel.filters, stage, source=slug)) for stage in STAGES),
        course=course,
        to_sql=share,
        interval=wilson(line.sql, line.captured),
        share_of_best=share / best * 100,
        change=difference(line.sql, line.captured, before.sql, before.captured) if before else None,
        revenue=line.revenue,
        line=line,
    )


def _course(filters: Filters) -> dict[int | None, tuple[int, ...]]:
    end = course_end(filters)
    start = end - timedelta(weeks=WEEKS)
    unlimited = replace(filters, first=None)
    found: dict[int | None, list[int]] = {}
    for week in rows(Week, COURSE, unlimited.leads().seen_between(start, end), [end, start, end]):
        counts = found.setdefault(week.source_id, [0] * WEEKS)
        counts[WEEKS - 1 - min(max(week.weeks_ago, 0), WEEKS - 1)] += week.count
    return {key: tuple(counts) for key, counts in found.items()}


def course_end(filters: Filters) -> datetime:
    """Where the 13 weeks end: with the period, but not after today."""
    last = min(filters.last or today(), today())
    return day_start(last + timedelta(days=1))
