"""Leases on outbox entries: one worker at a time, in the order of each record's changes (CRM_CONTRACT 5.4)."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from crmsync.models import Link, OutboxEntry
from crmsync.services.outbox import BEHIND, UPSERT

State = OutboxEntry.State
OPEN = (State.READY, State.LEASED, State.VERIFY, State.WAITING)
DEADLINE = timedelta(seconds=20)
LEASE = 2 * DEADLINE
MAX_ATTEMPTS = 12
LOST_RACES = 20


@dataclass(frozen=True)
class Claim:
    """The right to send one entry until the lease ends. ``must_verify``: an earlier try may have reached the CRM."""

    entry: OutboxEntry
    token: str
    must_verify: bool


def due(at: datetime) -> QuerySet[OutboxEntry]:
    """Entries that may be worked now: each record's first open one, if its time has come or its lease is over."""
    earlier = OutboxEntry.objects.filter(
        connection=OuterRef("connection"), opportunity=OuterRef("opportunity"), seq__lt=OuterRef("seq"), state__in=OPEN
    )
    ripe = Q(state__in=[State.READY, State.VERIFY], not_before__lte=at) | Q(state=State.LEASED, lease_until__lte=at)
    return OutboxEntry.objects.filter(ripe).exclude(Exists(earlier))


def claim_next(
    connection_id: int, at: datetime, *, only_linked: bool = False, not_behind: bool = False
) -> Claim | None:
    """Lease the next entry of a connection, None if nothing is due. ``only_linked``: no deal is to be made there.
    ``not_behind``: only what people did, nothing that is being brought up to date.

    The conditional UPDATE decides between workers; who loses looks again. An entry whose lease ran out comes back to
    be verified, never to be sent blindly. Later changes of the same record that wait behind it are sent along with it.
    """
    for _ in range(LOST_RACES):
        waiting = due(at).filter(connection=connection_id)
        if not_behind:
            waiting = waiting.filter(priority__lt=BEHIND)
        if only_linked:
            there = Link.objects.filter(connection=connection_id).exclude(remote_id=None, is_canary=False)
            waiting = waiting.filter(opportunity__in=there.values("opportunity"))
        head = waiting.order_by("priority", "not_before", "pk").first()
        if head is None:
            return None
        claim = _lease(head, at)
        if claim is not None:
            return claim
    return None


def _lease(head: OutboxEntry, at: datetime) -> Claim | None:
    token = str(uuid.uuid4())
    with transaction.atomic(durable=True):
        same = OutboxEntry.objects.filter(
            pk=head.pk, state=head.state, lease_token=head.lease_token, attempts=head.attempts
        )
        leased = {"state": State.LEASED, "lease_token": token, "lease_until": at + LEASE}
        if not same.update(attempts=F("attempts") + 1, **leased):
            return None
        must_verify = head.sent_at is not None and head.state in (State.VERIFY, State.LEASED)
        entry = head if must_verify else _with_followers(head, token, leased, at)
    entry.refresh_from_db()
    return Claim(entry, token, must_verify)


def _with_followers(head: OutboxEntry, token: str, leased: dict[str, object], at: datetime) -> OutboxEntry:
    """Let the newest of the record's waiting changes carry them all; a stage step is never skipped."""
    if head.op != UPSERT:
        return head
    run = [head]
    behind = OutboxEntry.objects.select_for_update().filter(
        connection=head.connection_id, opportunity=head.opportunity_id, seq__gt=head.seq, state__in=OPEN
    )
    for entry in behind.order_by("seq"):
        if entry.op != UPSERT or entry.state != State.READY:
            break
        run.append(entry)
    newest = run[-1]
    if newest is head:
        return head
    fields = sorted({name for entry in run for name in entry.fields})
    OutboxEntry.objects.filter(pk=newest.pk).update(fields=fields, attempts=head.attempts + 1, **leased)
    OutboxEntry.objects.filter(pk__in=[entry.pk for entry in run[:-1]]).update(
        state=State.SUPERSEDED, done_at=at, lease_token="", lease_until=None
    )
    return newest


def fence(claim: Claim, at: datetime) -> bool:
    """Right before sending: still ours? Notes that from here on the CRM may have heard of it."""
    mine = OutboxEntry.objects.filter(
        pk=claim.entry.pk, state=State.LEASED, lease_token=claim.token, lease_until__gt=at
    )
    return bool(mine.update(sent_at=at))


def settle(claim: Claim, state: str, **fields: object) -> bool:
    """Store how it went, if the lease is still ours. Returns whether it was."""
    mine = OutboxEntry.objects.filter(pk=claim.entry.pk, state=State.LEASED, lease_token=claim.token)
    return bool(mine.update(state=state, lease_token="", lease_until=None, **fields))
