"""How far are we with what we wanted to reach this month? Every figure by team, beside its target."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from leadmgmt.core.permissions import sees_all_leads
from leads.cohort import day_start
from leads.models import Target, Team, User

Measure = Target.Measure
# Of these a part of the month is due while the month runs; of the others all of it, at any time.
GROWING = (Measure.SQLS, Measure.REVENUE)
SHARES = (Measure.KEPT, Measure.CONTACTED, Measure.ACCEPTED)
# So much below what is due is near enough to be called on the way.
NEAR = 0.9

# One line per measure and team, and one over all teams; what is empty says nothing yet.
FIGURES = """
WITH seen AS (
    SELECT id, team_id, stage, first_touched_at, first_seen_at FROM leads_lead
    WHERE NOT is_history AND first_seen_at >= %(start)s AND first_seen_at < %(end)s
),
promise AS (
    SELECT DISTINCT ON (clock.lead_id) seen.team_id, clock.due_at, clock.touched_at, clock.stopped_at,
           CASE WHEN clock.touched_at IS NULL THEN 'infinity'::float8
                ELSE extract(epoch FROM clock.touched_at - clock.started_at) / 60 END AS minutes
    FROM routing_slaclock clock JOIN seen ON seen.id = clock.lead_id
    ORDER BY clock.lead_id, clock.started_at, clock.id
),
made AS (SELECT * FROM promise WHERE touched_at IS NOT NULL OR stopped_at IS NOT NULL OR due_at <= %(now)s),
-- Who came within the last day may still be called.
asked AS (
    SELECT team_id, first_touched_at IS NOT NULL AS reached FROM seen
    WHERE first_touched_at IS NOT NULL OR first_seen_at < %(now)s - interval '1 day'
),
became AS (
    SELECT DISTINCT lead.team_id, lead.id FROM leads_leadevent event JOIN leads_lead lead ON lead.id = event.lead_id
    WHERE event.kind = 'stage.sql' AND event.at >= %(start)s AND event.at < %(end)s AND NOT lead.is_history
),
decided AS (
    SELECT lead.team_id, handoff.status FROM crmsync_handoff handoff
    JOIN crmsync_opportunity deal ON deal.id = handoff.opportunity_id JOIN leads_lead lead ON lead.id = deal.lead_id
    WHERE handoff.decided_at >= %(start)s AND handoff.decided_at < %(end)s AND handoff.status IN ('accepted', 'refused')
),
won AS (
    SELECT lead.team_id, deal.amount FROM crmsync_opportunity deal JOIN leads_lead lead ON lead.id = deal.lead_id
    WHERE deal.stage = 'won' AND deal.closed_at >= %(start)s AND deal.closed_at < %(end)s AND NOT lead.is_history
)
SELECT 'kept', grouping(team_id), team_id, 100.0 * count(*) FILTER (WHERE touched_at <= due_at) / count(*), count(*)
FROM made GROUP BY GROUPING SETS ((), (team_id)) HAVING count(*) > 0
UNION ALL
SELECT 'first_touch', grouping(team_id), team_id,
       nullif(percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes), 'infinity')::numeric, count(*)
FROM made GROUP BY GROUPING SETS ((), (team_id)) HAVING count(*) > 0
UNION ALL
SELECT 'contacted', grouping(team_id), team_id, 100.0 * count(*) FILTER (WHERE reached) / count(*), count(*)
FROM asked GROUP BY GROUPING SETS ((), (team_id)) HAVING count(*) > 0
UNION ALL
SELECT 'sqls', grouping(team_id), team_id, count(*)::numeric, count(*)
FROM became GROUP BY GROUPING SETS ((), (team_id))
UNION ALL
SELECT 'accepted', grouping(team_id), team_id, 100.0 * count(*) FILTER (WHERE status = 'accepted') / count(*), count(*)
FROM decided GROUP BY GROUPING SETS ((), (team_id)) HAVING count(*) > 0
UNION ALL
SELECT 'revenue', grouping(team_id), team_id, coalesce(sum(amount), 0)::numeric, count(*)
FROM won GROUP BY GROUPING SETS ((), (team_id))
"""


@dataclass(frozen=True)
class Aim:
    """One target with what was reached. ``state``: reached, on the way, behind, or empty where nothing is known yet."""

    measure: str
    target: Decimal
    value: Decimal | None
    counted: int
    due: Decimal
    state: str
    url: str

    @property
    def is_share(self) -> bool:
        """Whether it is in percent."""
        return self.measure in SHARES

    @property
    def part(self) -> float:
        """How much of the target there is, for a bar; at most all of it."""
        if self.value is None or not self.target:
            return 0.0
        if self.measure == Measure.FIRST_TOUCH:
            return float(self.target / max(self.value, self.target))
        return float(min(self.value / self.target, Decimal(1)))


@dataclass(frozen=True)
class TeamAims:
    """The targets of a team; of everybody where there is none."""

    team: Team | None
    aims: list[Aim]


def month_of(day: date) -> tuple[date, date]:
    """The first day of a month and of the next one."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def targets(reader: User, at: datetime) -> list[TeamAims]:
    """This month's targets with what was reached: everybody's first, then each team's. A team lead sees the team's."""
    rows = Target.objects.select_related("team").order_by("team__name", "measure")
    if not sees_all_leads(reader):
        rows = rows.filter(team=reader.team_id) if reader.team_id else rows.none()
    found = list(rows)
    if not found:
        return []
    first, after = month_of(timezone.localdate(at))
    figures = _figures(day_start(first), day_start(after), at)
    share = _gone(at, first, after)
    by_team: dict[int | None, list[Target]] = {}
    for row in found:
        by_team.setdefault(row.team_id, []).append(row)
    order = sorted(by_team, key=lambda key: (key is not None, str(by_team[key][0].team)))
    places = {value: place for place, value in enumerate(Measure.values)}
    return [
        TeamAims(
            by_team[key][0].team,
            [
                _aim(row, figures.get((row.measure, key)), share, first, after)
                for row in sorted(by_team[key], key=lambda one: places[one.measure])
            ],
        )
        for key in order
    ]


def _figures(start: datetime, end: datetime, at: datetime) -> dict[tuple[str, int | None], tuple[Decimal | None, int]]:
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, {"start": start, "end": end, "now": at})
        rows = cursor.fetchall()
    # Leads of no team stand in a line of their own, which is nobody's.
    return {
        (measure, None if over_all else team): (value, count)
        for measure, over_all, team, value, count in rows
        if over_all or team is not None
    }


def _gone(at: datetime, first: date, after: date) -> Decimal:
    """The part of the month that has passed."""
    start, end = day_start(first), day_start(after)
    return Decimal(str(min(1.0, (at - start) / (end - start))))


def _aim(row: Target, found: tuple[Decimal | None, int] | None, gone: Decimal, first: date, after: date) -> Aim:
    value, counted = found or ((Decimal(0), 0) if row.measure in GROWING else (None, 0))
    due = (row.value * gone).quantize(Decimal("0.01")) if row.measure in GROWING else row.value
    return Aim(row.measure, row.value, value, counted, due, _state(row, value, due), _url(row, first, after))


def _state(row: Target, value: Decimal | None, due: Decimal) -> str:
    if value is None:
        return ""
    if row.measure == Measure.FIRST_TOUCH:
        return "reached" if value <= due else "near" if value * Decimal(str(NEAR)) <= due else "behind"
    if value >= (row.value if row.measure in GROWING else due):
        return "reached"
    return "near" if value >= due * Decimal(str(NEAR)) else "behind"


PAGES = {
    Measure.KEPT: "reports:speed",
    Measure.CONTACTED: "reports:speed",
    Measure.FIRST_TOUCH: "reports:speed",
    Measure.SQLS: "qualification:lead_list",
    Measure.ACCEPTED: "reports:team",
    Measure.REVENUE: "reports:attribution",
}


def _url(row: Target, first: date, after: date) -> str:
    words = {"from": first.isoformat(), "to": (after - timedelta(days=1)).isoformat()}
    if row.team:
        words["team"] = row.team.slug
    if row.measure == Measure.SQLS:
        words["reached"] = "sql"
    return f"{reverse(PAGES[Measure(row.measure)])}?{urlencode(words)}"


def save_targets(wanted: Mapping[tuple[int | None, str], Decimal | None]) -> int:
    """Put these in place of what was wanted; None takes a target away. Returns how many are another now."""
    changed = 0
    with transaction.atomic():
        known: dict[tuple[int | None, str], Any] = {
            (row.team_id, row.measure): row for row in Target.objects.select_for_update()
        }
        for (team_id, measure), value in wanted.items():
            row = known.get((team_id, measure))
            if (row.value if row else None) == value:
                continue
            changed += 1
            if value is None:
                Target.objects.filter(team=team_id, measure=measure).delete()
            elif row is None:
                Target.objects.create(team_id=team_id, measure=measure, value=value)
            else:
                row.value = value
                row.save(update_fields=["value"])
    return changed
