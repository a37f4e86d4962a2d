"""Deals that were there before their connection: sent like any other change, a few at a time, and only once."""

from django.db import transaction

from crmsync.fields import ALL_FIELDS
from crmsync.models import Connection, Opportunity
from crmsync.services.dry_run import open_deals
from crmsync.services.outbox import PUSH, record_for
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue

AT_ONCE = 200
BEHIND = 1


def missing(connection: Connection) -> int:
    """How many open deals this connection has never heard of."""
    return int(open_deals(connection).exclude(links__connection=connection).count())


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
