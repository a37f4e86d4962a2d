"""How soon is a person in touch? From capture to the first human touch, leads never touched counted, not dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from leadmgmt.core.now import now
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leadmgmt.reports.statistics import Interval, wilson
from leadmgmt.reports.steps import Step, steps
from leads.cohort import NONE
from leads.models import Source, User
from routing.models import SlaClock

LEAST_FOR_MEDIAN = 5

# The first promise to each lead. Untouched and over counts as slower than every other, untouched and running does not
# count yet. Ordering by infinity keeps the untouched in the percentiles.
SPEED = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
promise AS (
    SELECT DISTINCT ON (clock.lead_id) clock.lead_id, cohort.source_id, clock.started_at, clock.due_at,
           clock.touched_at, clock.stopped_at
    FROM routing_slaclock clock JOIN cohort USING (lead_id)
    ORDER BY clock.lead_id, clock.started_at, clock.id
),
receiver AS (
    SELECT DISTINCT ON (assignment.lead_id) assignment.lead_id, assignment.user_id
    FROM routing_assignment assignment JOIN cohort USING (lead_id)
    ORDER BY assignment.lead_id, assignment.starts_at, assignment.id
),
touch AS (
    SELECT promise.source_id, receiver.user_id,
           extract(isodow FROM started_at AT TIME ZONE %s)::int - 1 AS weekday,
           extract(hour FROM started_at AT TIME ZONE %s)::int AS hour,
           CASE WHEN touched_at IS NOT NULL THEN extract(epoch FROM touched_at - started_at)
                ELSE 'infinity'::float8 END AS seconds,
           touched_at IS NOT NULL AND touched_at <= due_at AS kept,
           touched_at IS NOT NULL AND touched_at > due_at AS late,
           touched_at IS NULL AND (stopped_at IS NOT NULL OR due_at <= %s) AS never
    FROM promise LEFT JOIN receiver USING (lead_id)
)
SELECT grouping(source_id), grouping(user_id), grouping(weekday), source_id, user_id, weekday, hour,
       count(*) FILTER (WHERE kept OR late OR never), count(*) FILTER (WHERE kept), count(*) FILTER (WHERE late),
       count(*) FILTER (WHERE never), count(*) FILTER (WHERE NOT (kept OR late OR never)),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE kept OR late OR never),
       percentile_disc(0.9) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE kept OR late OR never),
       percentile_disc(0.99) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE kept OR late OR never)
FROM touch
GROUP BY GROUPING SETS ((), (source_id), (user_id), (weekday, hour))
"""

# From the moment a lead reached us to the moment its owner could see it, where somebody was there to take it.
NOTIFIED = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
told AS (
    SELECT extract(epoch FROM lead.notified_at - lead.captured_at) AS seconds,
           EXISTS (SELECT FROM routing_waitinglead wait WHERE wait.lead_id = lead.id) AS waited
    FROM cohort JOIN leads_lead lead ON lead.id = cohort.lead_id
    WHERE NOT lead.is_history AND lead.notified_at IS NOT NULL
)
SELECT count(*) FILTER (WHERE NOT waited), count(*) FILTER (WHERE waited),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE NOT waited),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE NOT waited),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE NOT waited)
FROM told
"""


@dataclass(frozen=True)
class Line:
    """All promises, or those of a source, a rep, or an hour of the week; seconds, infinite where most were not kept."""

    over_sources: int
    over_reps: int
    over_hours: int
    source_id: int | None
    user_id: int | None
    weekday: int | None
    hour: int | None
    promised: int
    kept: int
    late: int
    never: int
    running: int
    p50: float | None
    p90: float | None
    p99: float | None

    @property
    def share(self) -> float | None:
        """The share of promises kept."""
        return self.kept / self.promised if self.promised else None

    @property
    def interval(self) -> Interval | None:
        """How sure the share is."""
        return wilson(self.kept, self.promised)


@dataclass(frozen=True)
class Notified:
    """Seconds from capture to notification, of leads that nobody had to wait for."""

    told: int
    waited: int
    p50: float | None
    p95: float | None
    p99: float | None


# Why first promises broke, as it was noted when they did.
CAUSES = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
promise AS (
    SELECT DISTINCT ON (clock.lead_id) clock.lead_id, clock.cause, clock.breached_at,
           coalesce(clock.unowned_seconds, 0) AS unowned, coalesce(clock.owned_seconds, 0) AS owned
    FROM routing_slaclock clock JOIN cohort USING (lead_id) ORDER BY clock.lead_id, clock.started_at, clock.id
)
SELECT cause, count(*) FROM promise WHERE breached_at IS NOT NULL AND cause <> '' GROUP BY cause ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True)
class Cause:
    """How many promises broke for one reason."""

    cause: str
    count: int


@dataclass(frozen=True)
class Broken:
    """One reason with its words, its share of all and the leads behind it."""

    cause: str
    label: str
    count: int
    share: float
    url: str


@dataclass(frozen=True)
class Named:
    """A line with whom or what it is about, and the leads behind its figures."""

    name: str
    line: Line
    words: dict[str, str]
    urls: dict[str, str]


@dataclass(frozen=True)
class Speed:
    """The answer."""

    filters: Filters
    total: Line
    urls: dict[str, str]
    by_rep: list[Named]
    by_source: list[Named]
    hours: dict[tuple[int, int], Line]
    notified: Notified
    at: datetime
    broken: list[Broken]
    steps: list[Step]

    def hour_urls(self, day: int, hour: int) -> dict[str, str]:
        """The leads behind one hour of one weekday."""
        return _urls(self.filters, {"hour": f"{day}-{hour}"})


NOTHING = Line(1, 1, 1, None, None, None, None, 0, 0, 0, 0, 0, None, None, None)


def speed(filters: Filters) -> Speed:
    """Answer for these filters."""
    at = now()
    lines = rows(Line, SPEED, filters.leads(), [settings.TIME_ZONE, settings.TIME_ZONE, at])
    total = next((line for line in lines if line.over_sources and line.over_reps and line.over_hours), NOTHING)
    notified = rows(Notified, NOTIFIED, filters.leads())[0]
    hours = {
        (line.weekday, line.hour): line
        for line in lines
        if not line.over_hours and line.weekday is not None and line.hour is not None
    }
    return Speed(
        filters=filters,
        total=total,
        urls=_urls(filters, {}),
        by_rep=_reps(filters, lines),
        by_source=_sources(filters, lines),
        hours=hours,
        notified=notified,
        at=at,
        broken=_broken(filters),
        steps=steps(filters),
    )


def _broken(filters: Filters) -> list[Broken]:
    found = rows(Cause, CAUSES, filters.leads())
    whole = sum(one.count for one in found)
    words = dict(SlaClock.Cause.choices)
    return [
        Broken(
            one.cause,
            str(words.get(one.cause, one.cause)),
            one.count,
            one.count / whole,
            filters.leads_url(broke=one.cause),
        )
        for one in found
    ]


def _urls(filters: Filters, words: dict[str, str]) -> dict[str, str]:
    return {state: filters.leads_url(**words, promise=state) for state in ("made", "kept", "late", "never", "running")}


def _reps(filters: Filters, lines: Sequence[Line]) -> list[Named]:
    found = [line for line in lines if not line.over_reps]
    people = User.objects.in_bulk([line.user_id for line in found if line.user_id])
    named = []
    for line in found:
        words = {"received_by": str(line.user_id) if line.user_id else NONE}
        name = str(people[line.user_id]) if line.user_id else ""
        named.append(Named(name, line, words, _urls(filters, words)))
    return sorted(named, key=lambda entry: (not entry.name, -(entry.line.share or 0), entry.name))


def _sources(filters: Filters, lines: Sequence[Line]) -> list[Named]:
    found = [line for line in lines if not line.over_sources]
    sources = Source.objects.in_bulk([line.source_id for line in found if line.source_id])
    named = []
    for line in found:
        source = sources.get(line.source_id) if line.source_id else None
        words = {"source": source.slug if source else NONE}
        named.append(Named(source.name if source else "", line, words, _urls(filters, words)))
    return sorted(named, key=lambda entry: (not entry.name, -(entry.line.share or 0), entry.name))
