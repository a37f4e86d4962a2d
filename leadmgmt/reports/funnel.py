"""Where do leads go? A cohort of leads first seen in a period, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from leadmgmt.core.now import now
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leadmgmt.reports.statistics import Difference, difference

STAGES = ("new", "mql", "sql", "opportunity", "won")

# One pass over the cohort's history: when each lead first reached each stage, whether it left and came back.
# A win that the CRM has taken back is none, hence the look at today's stage. The long way from captured to won is
# counted by the calendar: from one day's noon to another's is whole days, also where the clocks have changed between.
FUNNEL = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
history AS (
    SELECT event.lead_id,
           min(event.at) FILTER (WHERE event.kind = 'lead.captured') AS captured,
           min(event.at) FILTER (WHERE event.kind = 'stage.mql') AS mql,
           min(event.at) FILTER (WHERE event.kind = 'stage.sql') AS sql,
           min(event.at) FILTER (WHERE event.kind = 'stage.opportunity') AS opportunity,
           max(event.at) FILTER (WHERE event.kind = 'stage.won') AS won,
           min(event.at) FILTER (WHERE event.kind = 'stage.recycled') AS recycled,
           min(event.at) FILTER (WHERE event.kind IN ('stage.new', 'stage.mql')
               AND event.data ->> 'from' = 'recycled') AS returned,
           max(event.at) FILTER (WHERE event.kind = 'stage.sql') AS sql_last
    FROM leads_leadevent event JOIN cohort USING (lead_id)
    WHERE event.at < %s AND event.kind IN ('lead.captured', 'stage.new', 'stage.mql', 'stage.sql',
        'stage.opportunity', 'stage.won', 'stage.recycled')
    GROUP BY event.lead_id
),
paths AS (
    SELECT lead_id, /* key */ AS key, captured, mql, sql, opportunity, recycled, returned, sql_last,
           CASE WHEN stage = 'won' THEN won END AS won,
           CASE WHEN stage IN ('recycled', 'disqualified') THEN stage ELSE 'open' END AS ending,
           CASE WHEN stage = 'won' AND won IS NOT NULL THEN 'won' WHEN opportunity IS NOT NULL THEN 'opportunity'
                WHEN sql IS NOT NULL THEN 'sql' WHEN mql IS NOT NULL THEN 'mql' ELSE 'new' END AS furthest
    FROM cohort JOIN history USING (lead_id)
    WHERE captured IS NOT NULL
),
revenue AS (
    SELECT deal.lead_id, sum(deal.amount) AS amount
    FROM crmsync_opportunity deal JOIN cohort USING (lead_id)
    WHERE deal.stage = 'won'
    GROUP BY deal.lead_id
)
SELECT grouping(key), grouping(furthest), key, furthest, ending,
       count(*), count(mql), count(sql), count(opportunity), count(won),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM mql - captured)),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM sql - mql)),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM opportunity - sql)),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM won - opportunity)),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM
           (won AT TIME ZONE %s) - (captured AT TIME ZONE %s))),
       count(recycled), count(returned), count(*) FILTER (WHERE sql_last > returned),
       count(*) FILTER (WHERE won > returned),
       count(*) FILTER (WHERE ending = 'recycled'),
       sum(amount) FILTER (WHERE won IS NOT NULL),
       count(amount) FILTER (WHERE won IS NOT NULL AND amount > 0),
       sum(amount * amount) FILTER (WHERE won IS NOT NULL)
FROM paths LEFT JOIN revenue USING (lead_id)
GROUP BY GROUPING SETS ((), (key), (furthest, ending))
"""


@dataclass(frozen=True)
class Line:
    """One line of the result: all leads, one source (or campaign), or one way of ending."""

    over_keys: int
    over_endings: int
    key: int | None
    furthest: str | None
    ending: str | None
    captured: int
    mql: int
    sql: int
    opportunity: int
    won: int
    to_mql: float | None
    to_sql: float | None
    to_opportunity: float | None
    to_won: float | None
    whole: float | None
    recycled: int
    returned: int
    returned_sql: int
    returned_won: int
    asleep: int
    revenue: Decimal | None
    paying: int
    revenue_squared: Decimal | None

    def reached(self, stage: str) -> int:
        """How many leads got to the stage; `new` is all of them."""
        return int(getattr(self, "captured" if stage == "new" else stage))


NOBODY = Line(1, 1, None, None, None, 0, 0, 0, 0, 0, None, None, None, None, None, 0, 0, 0, 0, 0, None, 0, None)


@dataclass(frozen=True)
class Step:
    """One stage: how many reached it, and how many of them went on to the next."""

    stage: str
    count: int
    url: str
    rate: float | None
    median: float | None
    change: Difference | None
    exits: tuple["Exit", ...]


@dataclass(frozen=True)
class Exit:
    """Leads that got no further than a stage, by how they stand today: recycled, disqualified or open."""

    ending: str
    count: int
    url: str


@dataclass(frozen=True)
class Funnel:
    """The answer: steps in order, and who came back."""

    filters: Filters
    previous: Filters | None
    steps: tuple[Step, ...]
    total: Line
    before: Line | None
    by_source: dict[int | None, Line]
    before_by_source: dict[int | None, Line]
    at: datetime

    @property
    def is_empty(self) -> bool:
        """Whether nobody was first seen in the period."""
        return self.total.captured == 0

    @property
    def to_sql_change(self) -> Difference | None:
        """How the share of SQLs differs from the period before."""
        total, before = self.total, self.before
        return difference(total.sql, total.captured, before.sql, before.captured) if before else None

    @property
    def returned_url(self) -> str:
        """The leads that came back."""
        return self.loop_url("returned")

    def loop_url(self, state: str) -> str:
        """The leads that were recycled, came back, and became SQL or were won after that."""
        return self.filters.leads_url(loop=state)

    @property
    def overall(self) -> float | None:
        """The share of captured leads that were won."""
        return self.total.won / self.total.captured if self.total.captured else None


def funnel(filters: Filters) -> Funnel:
    """Answer for these filters; with `compares` also for the period before, looked at when it was as old."""
    at = now()
    lines = _lines(filters, at)
    previous = filters.previous() if filters.compares else None
    before = _lines(previous, at - filters.age_shift(previous)) if previous else []
    total, earlier = _total(lines), _total(before) if previous else None
    endings = {(line.furthest, line.ending): line.captured for line in lines if not line.over_endings}
    steps = tuple(_step(stage, filters, total, earlier, endings) for stage in STAGES)
    return Funnel(filters, previous, steps, total, earlier, _sources(lines), _sources(before), at)


def _lines(filters: Filters, until: datetime, key: str = "source_id") -> list[Line]:
    return rows(
        Line, FUNNEL.replace("/* key */", key), filters.leads(), [until, settings.TIME_ZONE, settings.TIME_ZONE]
    )


def lines_by(filters: Filters, key: str) -> tuple[Line, dict[int | None, Line]]:
    """All leads, and those of each source or campaign (``key``: source_id or campaign_id)."""
    lines = _lines(filters, now(), key)
    return _total(lines), _sources(lines)


def total_at(filters: Filters, at: datetime) -> Line:
    """All leads of these filters as they stood at an instant."""
    return _total(_lines(filters, at))


def _total(lines: Sequence[Line]) -> Line:
    return next((line for line in lines if line.over_keys and line.over_endings), NOBODY)


def _sources(lines: Sequence[Line]) -> dict[int | None, Line]:
    return {line.key: line for line in lines if not line.over_keys}


def _step(
    stage: str, filters: Filters, total: Line, before: Line | None, endings: dict[tuple[str | None, str | None], int]
) -> Step:
    count, url = total.reached(stage), stage_url(filters, stage)
    exits = tuple(
        Exit(ending, found, filters.leads_url(furthest=stage, stage=ending))
        for ending in ("recycled", "disqualified", "open")
        if stage != "won" and (found := endings.get((stage, ending), 0))
    )
    following = STAGES[STAGES.index(stage) + 1] if stage != "won" else ""
    if not following:
        return Step(stage, count, url, None, None, None, exits)
    onward = total.reached(following)
    change = difference(onward, count, before.reached(following), before.reached(stage)) if before else None
    rate = onward / count if count else None
    return Step(stage, count, url, rate, getattr(total, f"to_{following}"), change, exits)


def stage_url(filters: Filters, stage: str, **words: str) -> str:
    """The leads that reached the stage; `new` is all of them."""
    return filters.leads_url(**words) if stage == "new" else filters.leads_url(reached=stage, **words)
