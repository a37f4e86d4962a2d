"""How the sync does: how long changes are on their way, in both directions, and what became of them, by CRM and day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from crmsync.models import Connection
from leadmgmt.reports.attribution import closed_within
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.further_leads import SYNCED

SENT = """
SELECT connection_id, count(*),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - created_at)),
       count(*) FILTER (WHERE done_at - created_at <= interval '1 minute'), sum(attempts)
FROM crmsync_outboxentry WHERE state = 'done' AND done_at >= %s AND done_at < %s GROUP BY connection_id
"""
# A state that we wrote ourselves, or that was known, is none that came.
CAME = """
SELECT connection_id, count(*) FILTER (WHERE verdict = 'applied'), count(*) FILTER (WHERE verdict = 'suppressed'),
       count(*) FILTER (WHERE verdict = 'held')
FROM crmsync_auditrow WHERE direction = 'pull' AND at >= %s AND at < %s GROUP BY connection_id
"""
# Only a state that changed something here was on its way: our own echo, and what was read once more, was not.
LAG = """
SELECT event.connection_id, percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
    ORDER BY greatest(0, extract(epoch FROM event.received_at - (event.body ->> 'modified_at')::timestamptz)))
FROM crmsync_inboxevent event
WHERE event.received_at >= %s AND event.received_at < %s AND event.body ->> 'modified_at' IS NOT NULL AND EXISTS (
    SELECT FROM crmsync_link link JOIN crmsync_auditrow made ON made.link_id = link.id
    WHERE link.connection_id = event.connection_id AND link.remote_id = event.remote_id
      AND made.direction = 'pull' AND made.verdict = 'applied'
      AND made.at BETWEEN event.received_at AND event.done_at)
GROUP BY event.connection_id
"""
STUCK = """
SELECT connection_id, coalesce(nullif(error_class, ''), 'other'), count(*) FROM crmsync_outboxentry
WHERE state IN ('dead', 'waiting') AND created_at >= %s AND created_at < %s GROUP BY 1, 2 ORDER BY 3 DESC
"""
CONFLICTS = """
SELECT link.connection_id, conflict.rule, count(*) FROM crmsync_conflict conflict
JOIN crmsync_link link ON link.id = conflict.link_id
WHERE conflict.at >= %s AND conflict.at < %s GROUP BY 1, 2 ORDER BY 3 DESC
"""
DAYS = """
SELECT (done_at AT TIME ZONE %s)::date, count(*) FROM crmsync_outboxentry
WHERE state = 'done' AND done_at >= %s AND done_at < %s GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Line:
    """One CRM. Times in seconds, None where nothing was on its way."""

    connection: Connection
    sent: int
    sent_p50: float | None
    sent_p99: float | None
    within_minute: int
    tries: int
    came: int
    known: int
    held: int
    came_p50: float | None
    came_p99: float | None
    stuck: tuple[tuple[str, int], ...]
    conflicts: tuple[tuple[str, int], ...]
    # The leads whose deals these changes were, by what became of them.
    urls: dict[str, str]

    @property
    def stuck_total(self) -> int:
        """Changes of the period that were given up or wait for a person."""
        return sum(count for _name, count in self.stuck)

    @property
    def share_at_once(self) -> float | None:
        """The share of what was sent that took no try twice."""
        return self.sent / self.tries if self.tries else None


@dataclass(frozen=True)
class Syncing:
    """The answer."""

    filters: Filters
    lines: tuple[Line, ...]
    days: tuple[tuple[date, int], ...]

    @property
    def sent(self) -> int:
        """Changes that CRMs have confirmed."""
        return sum(line.sent for line in self.lines)

    @property
    def most(self) -> int:
        """The busiest day."""
        return max((count for _day, count in self.days), default=0)


def syncing(filters: Filters) -> Syncing:
    """Answer for the days of these filters; teams and sources say nothing to a sync."""
    between = list(closed_within(filters))
    sent, came, lag = ({row[0]: row[1:] for row in _rows(query, between)} for query in (SENT, CAME, LAG))
    stuck, conflicts = _grouped(_rows(STUCK, between)), _grouped(_rows(CONFLICTS, between))
    lines = []
    for one in Connection.objects.order_by("name"):
        count, times, fast, tries = sent.get(one.pk, (0, [None, None], 0, 0))
        applied, known, held = came.get(one.pk, (0, 0, 0))
        (late,) = lag.get(one.pk, ([None, None],))
        lines.append(
            Line(one, count, times[0], times[1], fast, tries or 0, applied, known, held, late[0], late[1],
                 tuple(stuck.get(one.pk, ())), tuple(conflicts.get(one.pk, ())),
                 {part: _leads_url(one.slug, part, between) for part in SYNCED})
        )  # fmt: skip
    days = _rows(DAYS, [str(ZoneInfo(settings.TIME_ZONE)), *between])
    return Syncing(filters, tuple(lines), tuple((day, count) for day, count in days))


def _leads_url(slug: str, part: str, between: list[datetime]) -> str:
    start, end = (moment.isoformat() for moment in between)
    return Filters().leads_url(synced=f"{slug}~{part}~{start}~{end}")


def _rows(query: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _grouped(found: list[tuple[Any, ...]]) -> dict[int, list[tuple[str, int]]]:
    groups: dict[int, list[tuple[str, int]]] = {}
    for key, name, count in found:
        groups.setdefault(key, []).append((name, count))
    return groups
