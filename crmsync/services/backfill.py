"""Deals that were there before their connection: sent like any other change, a few at a time, and only once."""

from django.db import transaction

from crmsync.fields import ALL_FIELDS
from crmsync.models import Connection, Opportunity, OutboxEntry
from crmsync.services.claim import OPEN
from crmsync.services.dry_run import open_deals
from crmsync.services.outbox import BEHIND, PUSH, record_for
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue

AT_ONCE = 200


def missing(connection: Connection) -> int:
    """How many open deals this connection has never heard of."""
    return int(open_deals(connection).exclude(links__connection=connection).count())


def filling(connection: Connection) -> int:
    """How many of them are on their way."""
    entries = OutboxEntry.objects.filter(connection=connection, priority__gte=BEHIND, state__in=OPEN)
    return int(entries.count())


def set_filling(connection: Connection, *, on: bool) -> None:
    """Let them wait, or go on."""
    Connection.objects.filter(pk=connection.pk).update(is_filling=on)
    if on:
        enqueue(PUSH, connection.pk)


def backfill(connection: Connection) -> int:
    """Have every open deal sent that this connection has not heard of. Returns how many; safe to run twice."""
    queued = 0
    while True:
        ids = list(
            open_deals(connection)
            .exclude(links__connection=connection)
            .order_by("pk")
            .values_list("pk", flat=True)[:AT_ONCE]
        )
        for pk in ids:
            queued += _queue(connection, pk)
        if len(ids) < AT_ONCE:
            break
    if queued:
        enqueue(PUSH, connection.pk)
    return queued


def _queue(connection: Connection, pk: int) -> int:
    """The entry of one deal, for this connection alone: the others know it."""
    with transaction.atomic():
        opportunity = Opportunity.objects.select_for_update().get(pk=pk)
        if opportunity.links.filter(connection=connection).exists():
            return 0
        record_for(connection, opportunity, ALL_FIELDS, at=now(), priority=BEHIND)
    return 1
