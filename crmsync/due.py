"""The clock's work for the CRM: the rows are the truth, these are the nudges."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from crmsync.models import Connection, Hint, InboxEvent
from crmsync.services import breaker, pull, push, quota
from crmsync.services.claim import due
from crmsync.services.hints import FOLLOW
from crmsync.services.outbox import BEHIND, PUSH
from crmsync.services.pull import PULL
from leadmgmt.core.queue import worked_off
from leadmgmt.core.tasks import enqueue

APPLY = "crmsync.tasks.apply_inbox"
# A job was enqueued with the change itself; what is still there after this was forgotten.
FORGOTTEN = timedelta(seconds=5)


def push_due(at: datetime) -> int:
    """Connections with entries whose time has come. What failed before is sent again on time: it has no job."""
    was_forgotten = Q(not_before__lte=at - FORGOTTEN) | Q(lease_until__lte=at - FORGOTTEN)
    entries = due(at).filter(was_forgotten | ~Q(error_class=""), connection__mode__in=push.MODES)
    entries = entries.exclude(connection__in=breaker.resting(breaker.WRITES, at))
    entries = entries.exclude(priority__gte=BEHIND, connection__in=quota.not_filling())
    return _nudge(PUSH, at, entries.order_by("connection").values_list("connection", flat=True).distinct())


def pull_due(at: datetime) -> int:
    """Connections whose next poll is due; ``poll_seconds`` of the configuration says how often at most."""
    awake = Connection.objects.filter(mode__in=pull.MODES).exclude(pk__in=breaker.resting(breaker.READS, at))
    due_now = [one.pk for one in awake if one.last_pull_at is None or one.last_pull_at + quota.poll_pause(one) <= at]
    return _nudge(PULL, at, due_now)


def hints_due(at: datetime) -> int:
    """Connections whose webhooks named records that are to be read."""
    due_now = Hint.objects.filter(done_at=None, not_before__lte=at, connection__mode__in=pull.MODES)
    due_now = due_now.exclude(connection__in=breaker.resting(breaker.READS, at))
    return _nudge(FOLLOW, at, due_now.order_by("connection").values_list("connection", flat=True).distinct())


def apply_due(at: datetime) -> int:
    """Connections with states that were stored and not applied."""
    ready = InboxEvent.objects.filter(state=InboxEvent.State.READY, received_at__lte=at - FORGOTTEN)
    ready = ready.filter(Q(next_try_at__isnull=True) | Q(next_try_at__lte=at))
    return _nudge(APPLY, at, ready.order_by("connection").values_list("connection", flat=True).distinct())


def _nudge(path: str, at: datetime, connections: Iterable[int]) -> int:
    keys = list(connections)
    if keys and worked_off(at) <= at - FORGOTTEN:
        # The job of the last nudge still stands in line.
        return 0
    for key in keys:
        enqueue(path, key)
    return len(keys)
