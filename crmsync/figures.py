"""How the sync is doing, for machines that watch (CRM_CONTRACT 14): figures by connection, of now or the last hour."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db.models import Count, Min, Q

from crmsync.adapters.base import DEAL
from crmsync.models import (
    AuditRow,
    Breaker,
    Conflict,
    Connection,
    Cursor,
    HookRefusal,
    InboxEvent,
    Link,
    OutboxEntry,
    RateBucket,
    ReconcileRun,
)

HOUR = timedelta(hours=1)
Out, In = OutboxEntry.State, InboxEvent.State
SENDING = (Out.READY, Out.LEASED, Out.VERIFY)
# From the commit to the CRM's confirmation, and from a change there to our commit.
SENT = """
SELECT connection_id, percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - created_at))
FROM crmsync_outboxentry WHERE state = 'done' AND done_at >= %s GROUP BY connection_id
"""
CAME = """
SELECT connection_id, percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
    ORDER BY greatest(0, extract(epoch FROM done_at - (body ->> 'modified_at')::timestamptz)))
FROM crmsync_inboxevent event
WHERE received_at >= %s AND state = 'done' AND EXISTS (
    SELECT FROM crmsync_link link JOIN crmsync_auditrow made ON made.link_id = link.id
    WHERE link.connection_id = event.connection_id AND link.remote_id = event.remote_id
      AND made.direction = 'pull' AND made.verdict = 'applied' AND made.at BETWEEN event.received_at AND event.done_at)
GROUP BY connection_id
"""


@dataclass(frozen=True)
class Figure:
    """One name with its values, each by its labels. ``kind``: gauge, or counter where it only grows."""

    name: str
    meaning: str
    values: list[tuple[dict[str, str], float]] = field(default_factory=list)
    kind: str = "gauge"


def figures(at: datetime) -> Iterator[Figure]:
    """All of them; a handful of queries whatever the number of connections."""
    slugs = dict(Connection.objects.exclude(mode=Connection.Mode.OFF).values_list("pk", "slug"))
    yield from _outbox(slugs, at)
    yield from _inbox(slugs, at)
    yield from _connections(slugs, at)
    yield from _verdicts(slugs, at)


def _figure(name: str, meaning: str, rows: Iterable[tuple[Any, ...]], slugs: dict[int, str], label: str = "") -> Figure:
    """``rows``: connection, the label's value where there is one, and the figure."""
    values = []
    for connection, *rest in rows:
        if connection in slugs and rest[-1] is not None:
            labels = {"connection": slugs[connection]} | ({label: str(rest[0])} if label else {})
            values.append((labels, float(rest[-1])))
    return Figure(name, meaning, values)


def _outbox(slugs: dict[int, str], at: datetime) -> Iterator[Figure]:
    waiting = list(
        OutboxEntry.objects.filter(state__in=SENDING)
        .values_list("connection")
        .annotate(
            ready=Count("pk", filter=Q(state__in=(Out.READY, Out.LEASED))),
            verify=Count("pk", filter=Q(state=Out.VERIFY)),
            oldest=Min("created_at"),
        )
    )
    by = {row[0]: row[1:] for row in waiting}
    known = {one: by.get(one, (0, 0, None)) for one in slugs}
    yield _figure("outbox_ready", "Changes that are to be sent.", ((one, row[0]) for one, row in known.items()), slugs)
    yield _figure(
        "outbox_verify", "Changes whose answer was lost.", ((one, row[1]) for one, row in known.items()), slugs
    )
    ages = ((one, (at - row[2]).total_seconds() if row[2] else 0) for one, row in known.items())
    yield _figure("outbox_oldest_seconds", "How long the oldest change has waited.", ages, slugs)
    dead = OutboxEntry.objects.filter(state__in=(Out.DEAD, Out.WAITING)).values_list("connection", "error_class")
    rows = dead.annotate(count=Count("pk"))
    yield _figure("outbox_stopped", "Changes that were given up or wait for a person.", rows, slugs, "class")
    yield _propagation(slugs, at)


def _propagation(slugs: dict[int, str], at: datetime) -> Figure:
    values = []
    with database.cursor() as cursor:
        for direction, query in (("out", SENT), ("in", CAME)):
            cursor.execute(query, [at - HOUR])
            for connection, seconds in cursor.fetchall():
                for quantile, value in zip(("0.5", "0.99"), seconds or (), strict=False):
                    labels = {"connection": slugs.get(connection, ""), "direction": direction, "quantile": quantile}
                    values.append((labels, float(value)))
    values = [(labels, value) for labels, value in values if labels["connection"]]
    return Figure("propagation_seconds", "From a change to its arrival on the other side, in the last hour.", values)


def _inbox(slugs: dict[int, str], at: datetime) -> Iterator[Figure]:
    ready = dict(InboxEvent.objects.filter(state=In.READY).values_list("connection").annotate(count=Count("pk")))
    yield _figure("inbox_backlog", "Changes of the CRM to apply.", ((one, ready.get(one, 0)) for one in slugs), slugs)
    stopped = InboxEvent.objects.filter(state__in=(In.WAITING, In.DEAD)).values_list("connection", "state")
    rows = stopped.annotate(count=Count("pk"))
    yield _figure("inbox_stopped", "Changes of the CRM that are held or were given up.", rows, slugs, "state")
    skews = dict(Connection.objects.values_list("pk", "skew_seconds"))
    cursors = Cursor.objects.filter(kind=DEAL).values_list("connection", "position")
    lags = ((one, (at - position).total_seconds() + (skews.get(one) or 0)) for one, position in cursors)
    yield _figure("poll_lag_seconds", "How far reading is behind the CRM's clock.", lags, slugs)


def _connections(slugs: dict[int, str], at: datetime) -> Iterator[Figure]:
    ones = list(Connection.objects.filter(pk__in=slugs))
    skews = ((one.pk, one.skew_seconds) for one in ones)
    yield _figure("clock_skew_seconds", "How far the CRM's clock is ahead of ours.", skews, slugs)
    yield _figure("quota_left", "Calls of the day that are left.", ((one.pk, one.quota_left) for one in ones), slugs)
    rates = RateBucket.objects.values_list("connection", "scope", "rate")
    yield _figure("rate_per_second", "How many calls go at most.", rates, slugs, "scope")
    resting = {
        (one, scope) for one, scope in Breaker.objects.filter(open_until__gt=at).values_list("connection", "scope")
    }
    parked = {one.pk for one in ones if one.parked_until and one.parked_until > at}
    rows = (
        (one, scope.value, float(one in parked or (one, scope.value) in resting))
        for one in slugs
        for scope in Breaker.Scope
    )
    yield _figure("resting", "1 where this direction rests.", rows, slugs, "direction")


def _verdicts(slugs: dict[int, str], at: datetime) -> Iterator[Figure]:
    lately = AuditRow.objects.filter(at__gte=at - HOUR)
    echoes = lately.filter(direction="pull", verdict="suppressed").values_list("connection").annotate(count=Count("pk"))
    yield _figure("echoes", "States that were read and known already, in the last hour.", echoes, slugs)
    changed = lately.filter(rule="normalised by the CRM").values_list("connection").annotate(count=Count("pk"))
    yield _figure("normalised", "Values that the CRM wrote its own way, in the last hour.", changed, slugs)
    apart = Link.objects.filter(apart_at__isnull=False, kept_at=None).values_list("connection", "state")
    rows = apart.annotate(count=Count("pk"))
    yield _figure("apart", "Deals that stand apart from their record.", rows, slugs, "state")
    conflicts = Conflict.objects.filter(resolved_at=None).values_list("link__connection", "rule")
    lost = conflicts.annotate(count=Count("pk"))
    yield _figure("conflicts", "Values that lost a merge and were not looked at.", lost, slugs, "rule")
    runs = ReconcileRun.objects.filter(error="").exclude(done_at=None).order_by("connection", "-pk")
    drift = [
        (run.connection_id, kind, count) for run in runs.distinct("connection") for kind, count in run.counts.items()
    ]
    yield _figure("drift", "Records that differed when both sides were compared.", drift, slugs, "kind")
    refused = HookRefusal.objects.values_list("connection", "why", "count")
    told = _figure("webhooks_refused_total", "Webhooks that were refused.", refused, slugs, "why")
    yield Figure(told.name, told.meaning, told.values, "counter")
