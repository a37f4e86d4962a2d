"""How the sync is doing: each connection, what waits, what was given up, what is held, and why."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from crmsync.adapters.base import ACCOUNT, ANY_DEAL, DEAL
from crmsync.models import (
    Account,
    AccountDeal,
    Alert,
    Breaker,
    Conflict,
    Connection,
    Cursor,
    Hint,
    HookRefusal,
    InboxEvent,
    OutboxEntry,
    Parent,
    RateBucket,
    ReconcileRun,
)
from crmsync.pages.apart import Apart, apart_page, closing_reasons
from crmsync.services.adopt import may_restore
from crmsync.services.claim import OPEN
from crmsync.services.outbox import BEHIND
from crmsync.services.rate import CALLS
from leads.models import Reason

MOST_ROWS = 50
# Errors behind which a record of the CRM may stand that is to be taken instead.
ADOPTABLE = ("NeedsPerson", "DuplicateSuspected", "Gone", "Moved")
Out, In = OutboxEntry.State, InboxEvent.State


@dataclass(frozen=True)
class Line:
    """One connection in figures. ``state``: good, late, resting or off."""

    connection: Connection
    state: str
    waiting: int
    oldest: datetime | None
    dead: int
    held: int
    conflicts: int
    read_to: datetime | None
    inbox_waiting: int
    hints: int = 0
    run: ReconcileRun | None = None
    rate: float | None = None
    rests: list[Breaker] = field(default_factory=list)
    refused: list[HookRefusal] = field(default_factory=list)

    @property
    def drift(self) -> int:
        """How many records differed when both sides were last compared."""
        return sum(self.run.counts.values()) if self.run else 0

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """The kinds of differences that were found, and how many of each."""
        return sorted(self.run.counts.items()) if self.run else []


@dataclass(frozen=True)
class Trouble:
    """Entries of one connection that failed in the same way."""

    connection: Connection
    error_class: str
    count: int


@dataclass(frozen=True)
class DeadEntry:
    """One dead or held entry, and what a person can do about it."""

    entry: OutboxEntry
    parent_kinds: list[tuple[str, str]]
    may_adopt: bool


@dataclass(frozen=True)
class Known:
    """What one CRM has told for routing."""

    connection: Connection
    accounts: int
    owned: int
    customers: int
    deals: int
    read_at: datetime | None
    error: str


@dataclass(frozen=True)
class Health:
    """The page."""

    lines: list[Line]
    dead: list[DeadEntry]
    troubles: list[Trouble]
    held_inbox: list[InboxEvent]
    conflicts: list[tuple[Conflict, bool]]
    alerts: list[Alert]
    known: list[Known]
    apart: list[Apart]
    reasons: list[Reason]


LATE_SECONDS = 15 * 60
# A webhook that was refused longer ago is no news.
LATELY = timedelta(days=7)


def health_page(at: datetime) -> Health:
    """Gather it; a handful of queries whatever the number of connections."""
    lines = _lines(at)
    stuck = OutboxEntry.objects.filter(state__in=[Out.DEAD, Out.WAITING])
    entries = stuck.select_related("connection", "opportunity").order_by("-created_at")[:MOST_ROWS]
    return Health(
        lines=lines,
        dead=[_dead(entry) for entry in entries],
        troubles=_troubles(stuck),
        held_inbox=list(
            InboxEvent.objects.filter(state__in=[In.WAITING, In.DEAD])
            .select_related("connection")
            .order_by("-received_at")[:MOST_ROWS]
        ),
        conflicts=[
            (one, may_restore(one))
            for one in Conflict.objects.filter(resolved_at=None)
            .select_related("link__connection", "link__opportunity")
            .order_by("-at")[:MOST_ROWS]
        ],
        alerts=list(Alert.objects.filter(ended_at=None).select_related("connection")),
        known=_known(),
        apart=(apart := apart_page()),
        reasons=closing_reasons() if any(one.may_close for one in apart) else [],
    )


def _known() -> list[Known]:
    """Accounts, their owners and open deals of others, of each CRM that tells of them."""
    accounts = Account.objects.values("connection").annotate(
        all=Count("pk"),
        owned=Count("pk", filter=~Q(owner_email="")),
        customers=Count("pk", filter=Q(is_customer=True) | Q(has_won=True)),
    )
    counted, deals = _by_connection(accounts), _counted(AccountDeal.objects.all())
    found: dict[int, Known] = {}
    for cursor in Cursor.objects.filter(kind__in=(ACCOUNT, ANY_DEAL)).select_related("connection").order_by("-error"):
        of = counted.get(cursor.connection_id, {})
        found.setdefault(
            cursor.connection_id,
            Known(
                connection=cursor.connection,
                accounts=of.get("all", 0),
                owned=of.get("owned", 0),
                customers=of.get("customers", 0),
                deals=deals.get(cursor.connection_id, 0),
                read_at=cursor.moved_at,
                error=cursor.error,
            ),
        )
    return list(found.values())


def _lines(at: datetime) -> list[Line]:
    """One for each connection."""
    out = _by_connection(
        OutboxEntry.objects.filter(state__in=[*OPEN, Out.DEAD])
        .values("connection")
        .annotate(
            waiting=Count("pk", filter=Q(state__in=[Out.READY, Out.LEASED, Out.VERIFY])),
            oldest=Min("created_at", filter=Q(state__in=[Out.READY, Out.LEASED, Out.VERIFY], priority__lt=BEHIND)),
            dead=Count("pk", filter=Q(state__in=[Out.DEAD, Out.WAITING])),
        )
    )
    inbox = _by_connection(
        InboxEvent.objects.exclude(state=In.DONE)
        .values("connection")
        .annotate(
            held=Count("pk", filter=Q(state__in=[In.WAITING, In.DEAD])), ready=Count("pk", filter=Q(state=In.READY))
        )
    )
    conflicts = dict(
        Conflict.objects.filter(resolved_at=None)
        .values_list("link__connection")
        .annotate(count=Count("pk"))
        .values_list("link__connection", "count")
    )
    read_to = dict(Cursor.objects.filter(kind=DEAL).values_list("connection", "position"))
    rests: dict[int, list[Breaker]] = {}
    for breaker in Breaker.objects.filter(open_until__gt=at).order_by("scope"):
        rests.setdefault(breaker.connection_id, []).append(breaker)
    refused: dict[int, list[HookRefusal]] = {}
    for refusal in HookRefusal.objects.filter(last_at__gt=at - LATELY).order_by("-last_at"):
        refused.setdefault(refusal.connection_id, []).append(refusal)
    hints = _counted(Hint.objects.filter(done_at=None))
    runs = {run.connection_id: run for run in _last_runs()}
    rates = dict(RateBucket.objects.filter(scope=CALLS).values_list("connection", "rate"))
    return [
        replace(
            _line(one, out.get(one.pk, {}), inbox.get(one.pk, {}), conflicts.get(one.pk, 0), read_to.get(one.pk)),
            state=_state(one, out.get(one.pk, {}).get("oldest"), rests.get(one.pk, []), at),
            rests=rests.get(one.pk, []),
            refused=refused.get(one.pk, []),
            hints=hints.get(one.pk, 0),
            run=runs.get(one.pk),
            rate=rates.get(one.pk),
        )
        for one in Connection.objects.order_by("name")
    ]


def _counted(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.values_list("connection").annotate(count=Count("pk")).values_list("connection", "count"))


def _last_runs() -> QuerySet[ReconcileRun]:
    done = ReconcileRun.objects.exclude(done_at=None)
    return done.filter(error="").order_by("connection", "-pk").distinct("connection")


def _troubles(stuck: QuerySet[OutboxEntry]) -> list[Trouble]:
    """What is stuck, by the kind of error; only kinds that more than one entry met."""
    rows = stuck.values("connection", "error_class").annotate(count=Count("pk")).filter(count__gt=1).order_by("-count")
    names = Connection.objects.in_bulk([row["connection"] for row in rows])
    return [Trouble(names[row["connection"]], row["error_class"], row["count"]) for row in rows]


def _dead(entry: OutboxEntry) -> DeadEntry:
    kinds = [(kind.value, str(kind.label)) for kind in Parent.Kind if f"a {kind.value} like this" in entry.error]
    return DeadEntry(entry, kinds, may_adopt=not kinds and entry.error_class in ADOPTABLE)


def _by_connection(rows: Any) -> dict[int, dict[str, Any]]:
    return {row["connection"]: row for row in rows}


def _line(
    connection: Connection,
    out: dict[str, Any],
    inbox: dict[str, Any],
    conflicts: int,
    read_to: datetime | None,
) -> Line:
    return Line(
        connection=connection,
        state="good",
        waiting=out.get("waiting", 0),
        oldest=out.get("oldest"),
        dead=out.get("dead", 0),
        held=inbox.get("held", 0),
        conflicts=conflicts,
        read_to=read_to,
        inbox_waiting=inbox.get("ready", 0),
    )


def _state(connection: Connection, oldest: datetime | None, rests: list[Breaker], at: datetime) -> str:
    if connection.mode == Connection.Mode.OFF:
        return "off"
    if rests or (connection.parked_until and connection.parked_until > at):
        return "resting"
    if oldest and (at - oldest).total_seconds() > LATE_SECONDS:
        return "late"
    return "good"
