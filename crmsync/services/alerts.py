"""Raising and ending alerts: what an admin is told of before a colleague has to ask (CRM_CONTRACT 11)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max

from crmsync.adapters.base import DEAL
from crmsync.models import Alert, Breaker, Connection, Cursor, Hint, InboxEvent, OutboxEntry, ReconcileRun
from crmsync.services import quota
from crmsync.services.accounts import KEEPERS
from crmsync.services.apart import undecided
from crmsync.services.outbox import BEHIND
from leadmgmt.core.permissions import ADMIN
from leads.models import User
from routing.services.notify import tell

KIND = "crm.alert"
OLDEST = timedelta(minutes=15)
LONGEST_REST = timedelta(minutes=10)
LARGEST_LAG = timedelta(minutes=15)
MOST_SKEW = 60.0
MOST_DRIFT = 0.001
# Webhooks are silent if polls find changes for so many periods after the last one.
PERIODS = 3
SHORTEST_SILENCE = timedelta(minutes=5)
# What a CRM says of its failure may be a page long.
LONGEST = 200
Kind, Out, In = Alert.Kind, OutboxEntry.State, InboxEvent.State


def watch(at: datetime) -> int:
    """Clock: raise what is new, end what is over. Returns how many alerts are open."""
    count = 0
    for connection in Connection.objects.exclude(mode=Connection.Mode.OFF):
        found = {kind: detail[:LONGEST] for kind, detail in _found(connection, at)}
        count += len(found)
        open_ones = {one.kind: one for one in Alert.objects.filter(connection=connection, ended_at=None)}
        Alert.objects.filter(pk__in=[one.pk for kind, one in open_ones.items() if kind not in found]).update(
            ended_at=at
        )
        for kind, detail in found.items():
            if kind in open_ones:
                Alert.objects.filter(pk=open_ones[kind].pk).exclude(detail=detail).update(detail=detail)
            else:
                _raise(connection, kind, detail, at)
    Alert.objects.filter(connection__mode=Connection.Mode.OFF, ended_at=None).update(ended_at=at)
    return count


def _raise(connection: Connection, kind: str, detail: str, at: datetime) -> None:
    try:
        with transaction.atomic():
            alert = Alert.objects.create(connection=connection, kind=kind, began_at=at, detail=detail)
            for admin in User.objects.filter(is_active=True, groups__name=ADMIN):
                context = {"alert": alert.kind, "crm": connection.name}
                tell(admin, KIND, f"crm-alert:{alert.pk}", None, context=context, at=at)
    except IntegrityError:
        # Another clock has just raised it.
        return


def _found(connection: Connection, at: datetime) -> Iterator[tuple[str, str]]:
    """What is not as it should be now, each with a figure."""
    waiting = OutboxEntry.objects.filter(connection=connection, state__in=[Out.READY, Out.LEASED, Out.VERIFY])
    # What was there before its connection may take hours, behind everything else.
    old = waiting.filter(created_at__lt=at - OLDEST, priority__lt=BEHIND).count()
    if old:
        yield Kind.OLD, str(old)
    dead = OutboxEntry.objects.filter(connection=connection, state=Out.DEAD).count()
    dead += InboxEvent.objects.filter(connection=connection, state=In.DEAD).count()
    if dead:
        yield Kind.DEAD, str(dead)
    held = OutboxEntry.objects.filter(connection=connection, state=Out.WAITING).count()
    held += InboxEvent.objects.filter(connection=connection, state=In.WAITING).count()
    if held:
        yield Kind.HELD, str(held)
    apart = undecided().filter(connection=connection).count()
    if apart:
        yield Kind.APART, str(apart)
    long_ago = at - LONGEST_REST
    failing = Breaker.objects.filter(connection=connection, failing_since__lte=long_ago)
    is_parked = connection.parked_since is not None and connection.parked_since <= long_ago
    is_silent = failing.exclude(open_until=None).exists()
    if is_parked or is_silent:
        yield Kind.RESTING, connection.last_error
    if quota.is_scarce(connection):
        yield Kind.QUOTA, f"{connection.quota_left}/{connection.quota_most}"
    is_unread = is_parked or failing.filter(scope=Breaker.Scope.READS).exists()
    yield from _reading(connection, at, is_failing=is_unread)
    run = ReconcileRun.objects.filter(connection=connection, error="").exclude(done_at=None).first()
    differing = sum(run.counts.values()) - run.mended if run else 0
    if run and differing > MOST_DRIFT * max(run.links, 1):
        yield Kind.DRIFT, str(differing)


def _reading(connection: Connection, at: datetime, *, is_failing: bool) -> Iterator[tuple[str, str]]:
    """What is the matter with what is read."""
    if connection.mode not in (Connection.Mode.BOTH, Connection.Mode.PULL_ONLY):
        return
    if connection.skew_seconds is not None and abs(connection.skew_seconds) > MOST_SKEW:
        yield Kind.SKEW, f"{connection.skew_seconds:.0f}"
    theirs = at + timedelta(seconds=connection.skew_seconds or 0)
    position = Cursor.objects.filter(connection=connection, kind=DEAL).values_list("position", flat=True).first()
    if position and position < theirs - LARGEST_LAG and not is_failing:
        yield Kind.LAG, f"{(theirs - position).total_seconds() / 60:.0f}"
    if _is_silent(connection, at):
        yield Kind.SILENT, ""
    failed = Cursor.objects.filter(connection=connection, kind__in=KEEPERS).exclude(error="").first()
    if failed:
        yield Kind.ROUTING, failed.error


def _is_silent(connection: Connection, at: datetime) -> bool:
    """Whether webhooks came once, and polls have been finding changes without them since."""
    last = Hint.objects.filter(connection=connection).aggregate(last=Max("received_at"))["last"]
    if last is None:
        return False
    quiet = max(PERIODS * quota.poll_pause(connection), SHORTEST_SILENCE)
    found = InboxEvent.objects.filter(connection=connection, via="poll")
    return found.filter(received_at__gt=last + quiet, received_at__lte=at - quiet).exists()
