"""Sending the outbox of one connection, entry after entry, while the CRM answers."""

from datetime import datetime

from crmsync.adapters.base import Adapter
from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for
from crmsync.adapters.wire import calls_made, count_anew
from crmsync.models import Connection
from crmsync.services import breaker, quota, rate
from crmsync.services.breaker import Gate
from crmsync.services.claim import DEADLINE, Claim, claim_next, due
from crmsync.services.outbox import BEHIND, PUSH
from crmsync.services.send import send
from leadmgmt.core.errors import ConfigurationError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue

MODES = (Connection.Mode.BOTH, Connection.Mode.PUSH_ONLY)
# One job sends so many entries, then makes room for others and asks for the next.
BATCH = 200


def push_connection(connection_id: int) -> str:
    """Send what is due. Safe to run twice and by several workers at once. Returns what was done, in words."""
    connection = Connection.objects.get(pk=connection_id)
    if connection.mode not in MODES:
        return "this connection does not push"
    if breaker.resting(breaker.WRITES, now()).filter(pk=connection.pk).exists():
        return "0 sent; the connection rests"
    try:
        adapter = adapter_for(connection)
    except ConfigurationError as error:
        breaker.park(connection, error, now() + breaker.LONGEST_REST)
        return "the connection is not configured"
    try:
        return _push(connection, adapter)
    finally:
        quota.note(connection)
        adapter.close()


def _push(connection: Connection, adapter: Adapter) -> str:
    sent, is_trial = 0, False
    while sent < BATCH:
        at = now()
        if not is_trial:
            gate = breaker.gate(connection, breaker.WRITES, at)
            if gate is Gate.SHUT:
                return f"{sent} sent; the connection rests"
            is_trial = gate is Gate.TRIAL
            if is_trial and not _answers(connection, adapter, at):
                return f"{sent} sent; the CRM is not back"
            is_trial = is_trial and breaker.is_open(connection, breaker.WRITES)
        if not rate.turn(connection, adapter.capabilities(), rate.CALLS):
            return f"{sent} sent; the CRM allows no more just now"
        claim = _claim(connection, adapter, at)
        if claim is None:
            break
        resting = set(connection.paused_fields)
        count_anew()
        send(claim, connection, adapter)
        rate.charge(connection, rate.CALLS, calls_made().total - 1, at)
        if claim.entry.priority >= BEHIND:
            rate.charge(connection, rate.FILLING, calls_made().total - 1, at)
        sent += 1
        connection.refresh_from_db()
        if is_trial:
            answered = breaker.verdict(connection, breaker.WRITES)
            if answered is False:
                return f"{sent} sent; the CRM is not back"
            if answered:
                breaker.passed(connection, breaker.WRITES)
            is_trial = answered is None
        if resting != set(connection.paused_fields):
            # Another map: the next job begins with it.
            enqueue(PUSH, connection.pk)
            break
    else:
        enqueue(PUSH, connection.pk)
    if sent:
        Connection.objects.filter(pk=connection.pk).update(last_push_at=now())
    return f"{sent} sent"


def _claim(connection: Connection, adapter: Adapter, at: datetime) -> Claim | None:
    """What people did first; what was there before with its share of the limits, and not from the day's reserve."""
    only_linked = connection.canary_left == 0
    claim = claim_next(connection.pk, at, only_linked=only_linked, not_behind=True)
    if claim is not None or not due(at).filter(connection=connection, priority__gte=BEHIND).exists():
        return claim
    quota.note(connection)
    if not quota.may_fill(connection) or not rate.turn(connection, adapter.capabilities(), rate.FILLING):
        return None
    return claim_next(connection.pk, at, only_linked=only_linked)


def _answers(connection: Connection, adapter: Adapter, at: datetime) -> bool:
    """Ask a CRM that failed before anything is sent to it again; the first write then decides."""
    try:
        adapter.check(at + DEADLINE)
    except AdapterError as error:
        breaker.note_trouble(connection, breaker.WRITES, error, at)
        return False
    breaker.unpark(connection)
    return True
