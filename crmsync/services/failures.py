"""What becomes of an outbox entry when the CRM, or the way to it, fails: the table of CRM_CONTRACT 4."""

import random
from datetime import datetime, timedelta

from crmsync.adapters import errors
from crmsync.adapters.base import DEAL, Adapter
from crmsync.adapters.wire import calls_made
from crmsync.models import Connection, Link, OutboxEntry
from crmsync.outgoing import NotMapped
from crmsync.services import breaker, rate, schema
from crmsync.services.apart import set_apart
from crmsync.services.claim import DEADLINE, MAX_ATTEMPTS, Claim, settle
from crmsync.services.take_in import take_in
from leadmgmt.core.backoff import next_try

State = OutboxEntry.State

# So many tries follow each other within seconds each.
TRIES_SOON, SOON = 5, 4.0
NOT_SENT = (errors.Unsent, errors.Unavailable, errors.Locked)
REFUSED = (errors.Invalid, errors.Unsupported, errors.AdapterBug)
FOR_A_PERSON = (errors.Forbidden, errors.DuplicateSuspected, errors.SchemaDrift)


class NeedsPerson(Exception):
    """The entry cannot go on until somebody has looked; the message says at what."""


def handle(claim: Claim, connection: Connection, adapter: Adapter, error: Exception, at: datetime) -> bool:
    """Store what follows from a failure. False: nobody foresaw this error, it belongs into the log.

    Anything that may have reached the CRM is verified before it is sent again.
    """
    answered = calls_made().answered_before_last
    breaker.note_trouble(connection, breaker.WRITES, error, at, of_record=True, answered=answered)
    known = _handle(claim, connection, adapter, error, at)
    if not known:
        _retry(claim, error, at, verify=True)
    return known


def _handle(claim: Claim, connection: Connection, adapter: Adapter, error: Exception, at: datetime) -> bool:
    match error:
        case errors.RateLimited():
            rate.complain(connection, adapter.capabilities(), rate.CALLS, _asked_to_wait(error), at)
            _wait_for_rate(claim, error, at)
        case errors.QuotaExhausted() | errors.AuthExpired() | errors.AuthRevoked():
            _uncounted(claim, error, at)
        case _ if isinstance(error, NOT_SENT):
            _retry(claim, error, at, verify=False)
        case errors.Ambiguous() | errors.PartialWrite():
            _retry(claim, error, at, verify=True)
        case errors.VersionConflict():
            _merge_again(claim, connection, adapter, error, at)
        case errors.Gone():
            _gone(claim, adapter, error, at)
        case errors.Moved():
            link = Link.objects.get(connection=connection, opportunity=claim.entry.opportunity_id)
            set_apart(link, Link.State.MERGED, at, into=error.new_id)
            _hold(claim, error)
        case NeedsPerson() | NotMapped():
            _hold(claim, error)
        case errors.SchemaDrift() if _pauses(connection, adapter):
            # The field that is missing rests from now on; the rest of the change goes.
            _uncounted(claim, error, at)
        case _ if isinstance(error, FOR_A_PERSON):
            _hold(claim, error)
        case _ if isinstance(error, REFUSED):
            settle(claim, State.DEAD, done_at=at, **_words(error))
        case _:
            return False
    return True


def _pauses(connection: Connection, adapter: Adapter) -> bool:
    """Whether a look at what the CRM says of itself finds a field that is not as it was."""
    before = set(connection.paused_fields)
    try:
        return bool(set(schema.read_schema(connection, adapter)) - before)
    except errors.AdapterError:
        return False


def _words(error: Exception) -> dict[str, str]:
    return {"error_class": type(error).__name__[:40], "error": str(error)}


def _retry(claim: Claim, error: Exception, at: datetime, *, verify: bool) -> None:
    """Try again later, with full jitter; after the last try the entry is a dead letter."""
    if claim.entry.attempts >= MAX_ATTEMPTS:
        settle(claim, State.DEAD, done_at=at, **_words(error))
        return
    later = _later(claim.entry.attempts, at)
    if verify:
        settle(claim, State.VERIFY, not_before=later, **_words(error))
    else:
        _again(claim, error, not_before=later)


def _later(attempts: int, at: datetime) -> datetime:
    """After ``attempts`` failures: soon while a CRM may just have stumbled, then four times as long each time.

    That a CRM is away need not be told from one entry: its breaker sees that, and time at rest costs no try.
    """
    if attempts <= TRIES_SOON:
        return next_try(attempts, at=at, most=SOON)
    return next_try(2 * (attempts - TRIES_SOON) + 1, at=at)


def _again(claim: Claim, error: Exception, **when: object) -> None:
    """Nothing was sent just now. What an earlier try may have sent still has to be verified."""
    if claim.must_verify:
        settle(claim, State.VERIFY, **when, **_words(error))
    else:
        settle(claim, State.READY, sent_at=None, **when, **_words(error))


def _uncounted(claim: Claim, error: Exception, at: datetime) -> None:
    """The entry is not to blame: it comes back when the connection does."""
    _again(claim, error, not_before=at, attempts=claim.entry.attempts - 1)


def _wait_for_rate(claim: Claim, error: errors.RateLimited, at: datetime) -> None:
    later = at + timedelta(seconds=_asked_to_wait(error) + random.uniform(0, 1))
    _again(claim, error, not_before=later, attempts=claim.entry.attempts - 1)


def _asked_to_wait(error: errors.RateLimited) -> float:
    return min(max(error.retry_after or 1.0, 1.0), 3600.0)


def _hold(claim: Claim, error: Exception) -> None:
    settle(claim, State.WAITING, **_words(error))


def _merge_again(
    claim: Claim, connection: Connection, adapter: Adapter, error: errors.VersionConflict, at: datetime
) -> None:
    """Somebody wrote in between: take that in first, then plan the write against it."""
    link = Link.objects.get(connection=connection, opportunity=claim.entry.opportunity_id)
    current = error.current
    if current is None and link.remote_id:
        try:
            current = adapter.get(DEAL, link.remote_id, at + DEADLINE)
        except errors.Gone as gone:
            _gone(claim, adapter, gone, at)
            return
        except errors.AdapterError as trouble:
            _retry(claim, trouble, at, verify=False)
            return
    if current is not None:
        take_in(connection, current, via="reconcile", at=at)
    if claim.entry.attempts >= MAX_ATTEMPTS:
        settle(claim, State.DEAD, done_at=at, **_words(error))
        return
    settle(claim, State.READY, not_before=at, sent_at=None, **_words(error))


def _gone(claim: Claim, adapter: Adapter, error: Exception, at: datetime) -> None:
    """Deleted in the CRM? Only a second look may say so; the opportunity itself stays as it is."""
    link = Link.objects.get(connection=claim.entry.connection_id, opportunity=claim.entry.opportunity_id)
    try:
        adapter.get(DEAL, link.remote_id or "", at + DEADLINE)
    except errors.Gone:
        set_apart(link, Link.State.REMOTE_DELETED, at)
        settle(claim, State.WAITING, **_words(error))
    except errors.AdapterError as trouble:
        _retry(claim, trouble, at, verify=False)
    else:
        _retry(claim, error, at, verify=False)
