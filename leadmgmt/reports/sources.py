"""What does each source earn, and how sure is that? Volume, cost, revenue and return with their intervals."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import ceil, log10

from django.db import connection

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.funnel import NOBODY, STAGES, Line, lines_by, stage_url
from leadmgmt.reports.statistics import Interval, difference, quantile, sample_needed, sum_interval, wilson
from leads.cohort import NONE
from leads.models import Campaign, Source

# Money by the days it was spent on: of a period that reaches beyond the report's, the share of its days inside.
COSTS = """
SELECT source_id, campaign_id,
       sum(amount * (least(ends_on, %s::date) - greatest(starts_on, %s::date) + 1) / (ends_on - starts_on + 1))
FROM leads_sourcecost
WHERE starts_on <= %s::date AND ends_on >= %s::date
GROUP BY source_id, campaign_id
"""

BREAK_EVEN = 1.0
SCALE = (-1.0, 2.0)


@dataclass(frozen=True)
class SourceReturn:
    """One source or campaign: what it brought, cost and earned. Cost None: nobody has entered any."""

    slug: str
    name: str
    counts: tuple[tuple[int, str], ...]
    line: Line
    cost: Decimal | None
    win_rate: Interval | None
    revenue: Decimal
    revenue_interval: Interval
    rank: str

    def per(self, count: int) -> Decimal | None:
        """The cost of each of so many."""
        return self.cost / count if self.cost is not None and count else None

    @property
    def won_url(self) -> str:
        """Its wins, as a list of leads."""
        return self.counts[-1][1]

    @property
    def won_share(self) -> float:
        """The share of its leads that were won."""
        return self.line.won / self.line.captured if self.line.captured else 0.0

    @property
    def per_lead(self) -> Decimal | None:
        """Cost per captured lead."""
        return self.per(self.line.captured)

    @property
    def per_mql(self) -> Decimal | None:
        """Cost per MQL."""
        return self.per(self.line.mql)

    @property
    def per_sql(self) -> Decimal | None:
        """Cost per SQL."""
        return self.per(self.line.sql)

    @property
    def per_win(self) -> Decimal | None:
        """Cost per win."""
        return self.per(self.line.won)

    @property
    def returned(self) -> float | None:
        """Revenue divided by cost; 1 is break-even."""
        return float(self.revenue / self.cost) if self.cost else None

    @property
    def return_interval(self) -> Interval | None:
        """How sure the return is."""
        if not self.cost:
            return None
        cost = float(self.cost)
        return Interval(self.revenue_interval.low / cost, self.revenue_interval.high / cost)

    @property
    def verdict(self) -> str:
        """pays, loses, or open where the interval holds the break-even; empty without cost."""
        found = self.return_interval
        if found is None:
            return ""
        return "pays" if found.low > BREAK_EVEN else "loses" if found.high < BREAK_EVEN else "open"

    @property
    def bar(self) -> tuple[float, float, float] | None:
        """Low, value and high on a log scale from 0.1 to 100, as positions from 0 to 100."""
        found = self.return_interval
        if found is None or self.returned is None:
            return None
        return (position(found.low), position(self.returned), position(found.high))


@dataclass(frozen=True)
class Ranking:
    """Which sources win more often than the rest, which less, and which cannot be told."""

    ahead: tuple[SourceReturn, ...]
    behind: tuple[SourceReturn, ...]
    unranked: tuple[SourceReturn, ...]
    unranked_wins: int
    needed: int
    pair: tuple[SourceReturn, SourceReturn] | None


@dataclass(frozen=True)
class Sources:
    """The answer."""

    filters: Filters
    level: str
    lines: tuple[SourceReturn, ...]
    total: Line
    cost: Decimal | None
    ranking: Ranking


def win_scale(sources: Sources) -> float:
    """The end of the axis on which all win rates are drawn: the highest interval, to the next full five points."""
    most = max((line.win_rate.high for line in sources.lines if line.win_rate), default=1.0)
    return min(ceil(most * 20) / 20, 1.0)


def position(value: float) -> float:
    """Where a return stands on the log scale, from 0 (0.1 or less) to 100 (100 or more)."""
    low, high = SCALE
    return min(max((log10(max(value, 10**low)) - low) / (high - low), 0), 1) * 100


def sources(filters: Filters, level: str = "source") -> Sources:
    """Answer for these filters, by source or by campaign."""
    total, lines = lines_by(filters, f"{level}_id")
    costs = costs_of(filters, level)
    usual = float(total.revenue or 0) / total.paying if total.paying else 0.0
    names = names_of(level, [key for key in {*lines, *costs} if key is not None])
    # Money may have been spent for nothing.
    lines |= {key: replace(NOBODY, key=key) for key in costs if key not in lines}
    found = [_return(filters, level, line, names.get(key or 0), costs.get(key), usual) for key, line in lines.items()]
    ranked = _ranked(found, total)
    order = sorted(ranked, key=lambda line: (line.cost is None, -(line.returned or 0), -line.line.captured, line.name))
    # Money spent on what brought no lead in the period belongs to the total all the same.
    cost = sum(costs.values(), Decimal(0)) if costs else None
    return Sources(filters, level, tuple(order), total, cost, _ranking(order))


def costs_of(filters: Filters, level: str) -> dict[int | None, Decimal]:
    """What was spent in the period, by source or campaign; nothing where a team or rep is asked for."""
    first, last = filters.first or date.min, filters.last or date.max
    chosen = filters.source, filters.campaign
    with connection.cursor() as cursor:
        cursor.execute(COSTS, [last, first, last, first])
        rows = cursor.fetchall()
    allowed = None
    if any(chosen):
        allowed = set(Source.objects.filter(slug=filters.source).values_list("pk", flat=True))
    found: dict[int | None, Decimal] = {}
    for source, campaign, amount in rows:
        key = source if level == "source" else campaign
        if key is not None and (allowed is None or source in allowed):
            found[key] = found.get(key, Decimal(0)) + amount
    # Cost is kept by source and campaign; what one team or one rep cost of it nobody knows.
    return {} if filters.team or filters.rep else found


def names_of(level: str, keys: list[int]) -> dict[int, tuple[str, str]]:
    """Short name and name of sources or campaigns."""
    if level == "source":
        return {source.pk: (source.slug, source.name) for source in Source.objects.filter(pk__in=keys)}
    return {campaign.pk: (campaign.key, campaign.name) for campaign in Campaign.objects.filter(pk__in=keys)}


def _return(
    filters: Filters, level: str, line: Line, named: tuple[str, str] | None, cost: Decimal | None, usual: float
) -> SourceReturn:
    slug, name = named or (NONE, "")
    revenue = line.revenue or Decimal(0)
    return SourceReturn(
        slug=slug,
        name=name,
        counts=tuple((line.reached(stage), stage_url(filters, stage, **{level: slug})) for stage in STAGES),
        line=line,
        cost=cost,
        win_rate=wilson(line.won, line.captured),
        revenue=revenue,
        revenue_interval=sum_interval(float(revenue), float(line.revenue_squared or 0), line.paying, usual),
        rank="",
    )


def _ranked(found: list[SourceReturn], total: Line) -> list[SourceReturn]:
    """Each against all the others together, all comparisons at 95 % together."""
    z = quantile(len(found))
    ranked = []
    for entry in found:
        line = entry.line
        change = difference(line.won, line.captured, total.won - line.won, total.captured - line.captured, z)
        rank = "unranked" if change is None or change.is_noise else "ahead" if change.points > 0 else "behind"
        ranked.append(SourceReturn(**{**entry.__dict__, "rank": rank}))
    return ranked


def _ranking(lines: list[SourceReturn]) -> Ranking:
    by_rate = sorted((entry for entry in lines if entry.line.captured), key=lambda entry: -entry.won_share)
    groups = {rank: tuple(entry for entry in by_rate if entry.rank == rank) for rank in ("ahead", "behind", "unranked")}
    unranked = groups["unranked"]
    pair = (unranked[0], unranked[-1]) if len(unranked) > 1 else None
    needed = 0
    if pair:
        needed = sample_needed(*(entry.won_share for entry in pair))
    return Ranking(groups["ahead"], groups["behind"], unranked, sum(entry.line.won for entry in unranked), needed, pair)
