"""Since when leads run out and until when they did: kept by the clock, so that a period can be set beside another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, Min, OuterRef, Q

from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leadmgmt.reports.filters import Filters, today
from leadmgmt.reports.leaks import KINDS
from leadmgmt.reports.query import rows
from leads.cohort import day_start
from leads.models import Lead, LeakSpell
from leads.querysets import LeadQuerySet

# How often the clock looks, in seconds: a lead that was seen to in between was no leak.
EVERY = 1800.0
LONGEST_COURSE = 400
LOOK = "leadmgmt.reports.leak_history.look"
# "lead" and "leak" as two 32-bit numbers.
LOCK = (0x6C656164, 0x6C65616B)

FOUND = """
INSERT INTO leads_leakspell (lead_id, kind, began_at, is_first_look)
SELECT found.id, %s, %s, %s FROM (/* cohort */) found (id)
ON CONFLICT (lead_id) WHERE ended_at IS NULL DO NOTHING
"""

COURSE = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
spell AS (SELECT spell.* FROM leads_leakspell spell JOIN cohort USING (lead_id))
SELECT ends.number::int, count(DISTINCT spell.lead_id)
FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS ends (at, number)
LEFT JOIN spell ON spell.began_at < ends.at AND (spell.ended_at IS NULL OR spell.ended_at >= ends.at)
GROUP BY ends.number ORDER BY ends.number
"""


def nudge_leaks(_at: datetime) -> int:
    """The clock's part: the look itself is a worker's, for it reads all leads. Nothing is left to do here after it."""
    enqueue(LOOK)
    return 0


def look() -> str:
    """Look now; while another worker does, its look will do. Returns what was found, in words."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
        if not cursor.fetchone()[0]:
            return "somebody looks already"
        return f"{keep_leaks(now())} changed"


def keep_leaks(at: datetime) -> int:
    """Note which leads run out now and which do no more; returns how many of both."""
    everything, moved = Lead.objects.all(), 0
    with transaction.atomic(), connection.cursor() as cursor:
        is_first = not LeakSpell.objects.exists()
        leaking = {kind: find(everything, at) for kind, find in KINDS.items()}
        for kind, leads in leaking.items():
            running = LeakSpell.objects.filter(kind=kind, ended_at=None, began_at__lt=at)
            moved += running.exclude(lead__in=leads.order_by().values("pk")).update(ended_at=at)
        for kind, leads in leaking.items():
            inner, values = leads.order_by().values("pk").query.sql_with_params()
            # The subquery stands behind the other values.
            cursor.execute(FOUND.replace("/* cohort */", inner), [kind, at, is_first, *values])
            moved += cursor.rowcount
    return moved


@dataclass(frozen=True)
class Flow:
    """Leads of one kind of leak in a period. ``before``: None where nobody had looked yet when it began."""

    kind: str
    before: int | None
    came: int
    stopped: int
    left: int
    urls: dict[str, str]


@dataclass(frozen=True)
class History:
    """A period of leaks. ``since``: when the first look was; ``course``: how many ran out at the end of each day."""

    filters: Filters
    since: datetime
    flows: tuple[Flow, ...]
    course: tuple[tuple[date, int], ...]

    @property
    def most(self) -> int:
        """The highest day."""
        return max((count for _day, count in self.course), default=0)

    @property
    def before(self) -> int | None:
        """How many there were when the period began; None where nobody looked yet."""
        known = [flow.before for flow in self.flows if flow.before is not None]
        return sum(known) if known else None

    @property
    def came(self) -> int:
        """How many began to run out in the period, each once for each way."""
        return sum(flow.came for flow in self.flows)

    @property
    def stopped(self) -> int:
        """How many were seen to in the period, each once for each way."""
        return sum(flow.stopped for flow in self.flows)

    @property
    def left(self) -> int:
        """How many there were at its end."""
        return sum(flow.left for flow in self.flows)


def began(start: datetime, end: datetime) -> Q:
    """Spells that began within the period; what the first look found began nobody knows when."""
    return Q(began_at__gte=start, began_at__lt=end, is_first_look=False)


def stopped(start: datetime, end: datetime) -> Q:
    """Spells that ended within it."""
    return Q(ended_at__gte=start, ended_at__lt=end)


def running(at: datetime) -> Q:
    """Spells that went on at that time."""
    return Q(began_at__lt=at) & (Q(ended_at=None) | Q(ended_at__gte=at))


# What an address may ask for: of a period's start and end, the spells meant.
PARTS: dict[str, Callable[[datetime, datetime], Q]] = {
    "before": lambda start, _end: running(start),
    "came": began,
    "stopped": stopped,
    "left": lambda _start, end: running(end),
}


def leaked(leads: LeadQuerySet, kind: str, part: str, start: datetime, end: datetime) -> LeadQuerySet:
    """Leads with such a spell. KeyError for a part that there is none of."""
    spells = LeakSpell.objects.filter(PARTS[part](start, end), lead=OuterRef("pk"), kind=kind)
    return leads.filter(Exists(spells))


def watched_since() -> datetime | None:
    """When the first look found something."""
    first: datetime | None = LeakSpell.objects.aggregate(first=Min("began_at"))["first"]
    return first


def history(filters: Filters) -> History | None:
    """The leaks of a period, as they were found in it; None before the first look and for a period before it."""
    since = watched_since()
    if since is None:
        return None
    start, end = limits(filters, since)
    if end <= since or start >= end:
        return None
    leads = filters.leads_at_any_time()
    is_known = start > since
    counted: dict[str, Any] = {
        row["kind"]: row
        for row in LeakSpell.objects.filter(lead__in=leads)
        .order_by()
        .values("kind")
        .annotate(**{name: Count("lead", filter=part(start, end), distinct=True) for name, part in PARTS.items()})
    }
    flows = [_flow(filters, kind, counted.get(kind, {}), start, end, is_known) for kind in KINDS]
    return History(filters, since, tuple(flows), _course(leads, start, end))


def limits(filters: Filters, since: datetime) -> tuple[datetime, datetime]:
    """The instants of a period that ends now at the latest; without a beginning it starts with the first look."""
    start, end = filters.bounds()
    return start or since, min(end or now(), now())


def _flow(filters: Filters, kind: str, row: dict[str, int], start: datetime, end: datetime, is_known: bool) -> Flow:
    urls = {
        part: replace(filters, first=None, last=None).leads_url(
            leaked=f"{kind}~{part}~{start.isoformat()}~{end.isoformat()}"
        )
        for part in PARTS
    }
    before = row.get("before", 0) if is_known else None
    return Flow(kind, before, row.get("came", 0), row.get("stopped", 0), row.get("left", 0), urls)


@dataclass(frozen=True)
class _Counted:
    number: int
    count: int


def _course(leads: LeadQuerySet, start: datetime, end: datetime) -> tuple[tuple[date, int], ...]:
    """How many ran out at the end of each day; of a long time, the last days."""
    zone = day_start(today()).tzinfo
    first, last = start.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)][-LONGEST_COURSE:]
    ends = [min(day_start(day + timedelta(days=1)), end) for day in days]
    return tuple((days[row.number - 1], row.count) for row in rows(_Counted, COURSE, leads, [ends]))
