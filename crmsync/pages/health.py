"""How the sync is doing: each connection, what waits, what was given up, what is held, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from crmsync.models import Conflict, Connection, Cursor, InboxEvent, OutboxEntry
from crmsync.services.claim import OPEN

MOST_ROWS = 50
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


@dataclass(frozen=True)
class Health:
    """The page."""

    lines: list[Line]
    dead: list[OutboxEntry]
    held_inbox: list[InboxEvent]
    conflicts: list[Conflict]


LATE_SECONDS = 15 * 60


def health_page(at: datetime) -> Health:
    """Gather it; a handful of queries whatever the number of connections."""
    out = _by_connection(
        OutboxEntry.objects.filter(state__in=[*OPEN, Out.DEAD])
        .values("connection")
        .annotate(
            waiting=Count("pk", filter=Q(state__in=[Out.READY, Out.LEASED, Out.VERIFY])),
            oldest=Min("created_at", filter=Q(state__in=[Out.READY, Out.LEASED, Out.VERIFY])),
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
    read_to = dict(Cursor.objects.values_list("connection", "position"))
    lines = [
        _line(one, out.get(one.pk, {}), inbox.get(one.pk, {}), conflicts.get(one.pk, 0), read_to.get(one.pk), at)
        for one in Connection.objects.order_by("name")
    ]
    return Health(
        lines=lines,
        dead=list(
            OutboxEntry.objects.filter(state__in=[Out.DEAD, Out.WAITING])
            .select_related("connection", "opportunity")
            .order_by("-created_at")[:MOST_ROWS]
        ),
        held_inbox=list(
            InboxEvent.objects.filter(state__in=[In.WAITING, In.DEAD])
            .select_related("connection")
            .order_by("-received_at")[:MOST_ROWS]
        ),
        conflicts=list(
            Conflict.objects.filter(resolved_at=None)
            .select_related("link__connection", "link__opportunity")
            .order_by("-at")[:MOST_ROWS]
        ),
    )


def _by_connection(rows: Any) -> dict[int, dict[str, Any]]:
    return {row["connection"]: row for row in rows}


def _line(
    connection: Connection,
    out: dict[str, Any],
    inbox: dict[str, Any],
    conflicts: int,
    read_to: datetime | None,
    at: datetime,
) -> Line:
    oldest = out.get("oldest")
    if connection.mode == Connection.Mode.OFF:
        state = "off"
    elif connection.breaker_open_until and connection.breaker_open_until > at:
        state = "resting"
    elif oldest and (at - oldest).total_seconds() > LATE_SECONDS:
        state = "late"
    else:
        state = "good"
    return Line(
        connection=connection,
        state=state,
        waiting=out.get("waiting", 0),
        oldest=oldest,
        dead=out.get("dead", 0),
        held=inbox.get("held", 0),
        conflicts=conflicts,
        read_to=read_to,
        inbox_waiting=inbox.get("ready", 0),
    )
