"""When a connection rests, and how it is found out that it need not any more (CRM_CONTRACT 5.4).

Two reasons to rest. **Parked**: the CRM has answered that nothing more goes until a person or a new day comes, so
both directions wait. **Open**: the CRM does not answer, told by the calls of one direction alone.

A breaker that opens at five failures in a row opens all day at a CRM where one call of three fails: with ten changes a
second five in a row happen by chance within the minute. So a silence has to last as well, and a share is only read
over a while (docs/decisions/0015-when-a-connection-rests.md).
"""

from datetime import datetime, timedelta
from enum import Enum

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crmsync.adapters.errors import (
    AdapterBug,
    AdapterError,
    Ambiguous,
    AuthExpired,
    AuthRevoked,
    PartialWrite,
    QuotaExhausted,
    Unavailable,
    Unsent,
)
from crmsync.models import Breaker, Connection
from leadmgmt.core.now import now
from leadmgmt.core.rows import locked_row

READS, WRITES = Breaker.Scope.READS, Breaker.Scope.WRITES

# Open after so many failures without an answer, once that has lasted so long …
FAILURES_TO_OPEN = 5
SILENCE = timedelta(seconds=5)
# … or where this share of so many calls failed over this long, counted within a window.
SHARE_TO_OPEN = 0.5
CALLS_FOR_SHARE = 20
SPAN_FOR_SHARE = timedelta(seconds=10)
WINDOW = timedelta(seconds=30)
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)
# As long as one worker has to find out whether a parked connection works again.
TRIAL = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MOST = 30_000


class Gate(Enum):
    """Whether a call may go. TRIAL: this worker alone may try, and says what came of it."""

    OPEN = "open"
    TRIAL = "trial"
    SHUT = "shut"


def gate(connection: Connection, scope: Breaker.Scope, at: datetime) -> Gate:
    """Whether something may be sent or read now; of several that ask after a rest one gets the trial."""
    parked = connection.parked_until
    if parked is not None:
        if parked > at:
            return Gate.SHUT
        taken = Connection.objects.filter(pk=connection.pk, parked_until=parked).update(parked_until=at + TRIAL)
        return Gate.TRIAL if taken else Gate.SHUT
    row = Breaker.objects.filter(connection=connection, scope=scope).exclude(open_until=None).first()
    if row is None:
        return Gate.OPEN
    if row.open_until is None or row.open_until > at:
        return Gate.SHUT
    # The next rest begins now and is twice as long: a trial that fails, or dies, needs nothing more.
    taken = Breaker.objects.filter(pk=row.pk, open_until=row.open_until).update(
        open_until=at + min(LONGEST_REST, FIRST_REST * 2 ** min(row.trials + 1, 10)),
        trials=min(row.trials + 1, MOST),
        window_at=at,
        calls=0,
        failures=0,
    )
    return Gate.TRIAL if taken else Gate.SHUT


def is_open(connection: Connection, scope: Breaker.Scope) -> bool:
    """Whether this direction has failed and no trial has gone well since."""
    return Breaker.objects.filter(connection=connection, scope=scope, open_until__isnull=False).exists()


def is_shut(connection: Connection, scope: Breaker.Scope) -> bool:
    """Whether nothing may go, for what leaves the trial to others."""
    return connection.parked_until is not None or is_open(connection, scope)


def resting(scope: Breaker.Scope, at: datetime) -> QuerySet[Connection]:
    """Connections where nothing goes now."""
    is_open = Q(breakers__scope=scope, breakers__open_until__gt=at)
    return Connection.objects.filter(Q(parked_until__gt=at) | is_open)


def verdict(connection: Connection, scope: Breaker.Scope) -> bool | None:
    """What came of a trial: whether the CRM answered, None as long as nothing was asked of it."""
    row = Breaker.objects.filter(connection=connection, scope=scope).exclude(calls=0).first()
    return None if row is None else row.failures < row.calls


def note_success(connection: Connection, scope: Breaker.Scope, *, calls: int = 1) -> None:
    """The CRM answered so many calls. An open breaker is closed by a trial alone: they may have gone out before it."""
    counting = Breaker.objects.filter(connection=connection, scope=scope, window_at__isnull=False)
    if not counting.update(calls=F("calls") + calls, in_a_row=0, failing_since=None):
        return
    counting.filter(open_until=None, window_at__lte=now() - WINDOW).update(window_at=None, calls=0, failures=0)
    _calm_down(connection)


def note_failure(
    connection: Connection, scope: Breaker.Scope, error: Exception, at: datetime, *, answered: int = 0
) -> None:
    """The CRM could not be reached; where that goes on, this direction rests.

    ``answered``: calls for the same record that it answered right before. A deal takes several, with its company and
    its contact: where one call of three fails most new deals fail somewhere, at a CRM that is there.
    """
    with transaction.atomic():
        row = locked_row(Breaker, connection=connection, scope=scope, made_with={})
        if row.window_at is None or (row.open_until is None and row.window_at <= at - WINDOW):
            row.window_at, row.calls, row.failures = at, 0, 0
        row.calls, row.failures = row.calls + answered + 1, row.failures + 1
        row.in_a_row = 1 if answered else min(row.in_a_row + 1, MOST)
        row.failing_since = at if answered else row.failing_since or at
        if row.open_until is None and _is_away(row, at):
            row.open_until, row.trials = at + FIRST_REST, 0
        row.save()
        Connection.objects.filter(pk=connection.pk).update(last_error=_words(error))
    connection.refresh_from_db()


def _is_away(row: Breaker, at: datetime) -> bool:
    """Whether this is more than a call that failed now and then."""
    if row.failing_since and row.in_a_row >= FAILURES_TO_OPEN and at - row.failing_since >= SILENCE:
        return True
    is_long = row.window_at is not None and at - row.window_at >= SPAN_FOR_SHARE
    return is_long and row.calls >= CALLS_FOR_SHARE and row.failures >= SHARE_TO_OPEN * row.calls


def note_trouble(
    connection: Connection,
    scope: Breaker.Scope,
    error: Exception,
    at: datetime,
    *,
    of_record: bool = False,
    answered: int = 0,
) -> None:
    """A call failed. What a person or a new day has to mend parks the connection, everything else counts here.

    ``of_record``: one record was asked for, and whatever the CRM has against it, it has answered. ``answered``: as in
    `note_failure`.
    """
    match error:
        case QuotaExhausted():
            park(connection, error, error.reset_at or at + HOUR)
        case AuthExpired() | AuthRevoked():
            park(connection, error, at + LONGEST_REST)
        case AdapterBug() if of_record:
            # What our own adapter gets wrong says nothing of the CRM.
            return
        case AdapterError() if of_record and not _is_outage(error):
            note_success(connection, scope, calls=answered + 1)
        case AdapterError():
            note_failure(connection, scope, error, at, answered=answered)


def _is_outage(error: Exception | None) -> bool:
    if isinstance(error, PartialWrite):
        return _is_outage(error.cause)
    return isinstance(error, (Unsent, Unavailable, Ambiguous))


def rest(connection: Connection, scope: Breaker.Scope, until: datetime) -> None:
    """The CRM has named a time before which nothing of this kind goes."""
    Breaker.objects.update_or_create(
        connection=connection,
        scope=scope,
        defaults={"open_until": until, "window_at": now(), "calls": 0, "failures": 0},
    )


def passed(connection: Connection, scope: Breaker.Scope) -> None:
    """A trial went well: this direction is as if nothing had been."""
    Breaker.objects.filter(connection=connection, scope=scope).delete()
    unpark(connection)


def park(connection: Connection, error: Exception, until: datetime) -> None:
    """A person or a new day is needed: nothing is sent, nothing is dropped."""
    since = connection.parked_since or now()
    Connection.objects.filter(pk=connection.pk).update(parked_until=until, last_error=_words(error), parked_since=since)
    connection.refresh_from_db()


def unpark(connection: Connection) -> None:
    """What it was parked for is over."""
    Connection.objects.filter(pk=connection.pk).update(parked_until=None, parked_since=None)
    _calm_down(connection)


def forget(connection_id: int) -> None:
    """A person says: try now. What failed before counts no more."""
    Breaker.objects.filter(connection=connection_id).delete()
    Connection.objects.filter(pk=connection_id).update(parked_until=None, parked_since=None, last_error="")


def _calm_down(connection: Connection) -> None:
    """Nothing is the matter any more, in neither direction."""
    failing = Breaker.objects.filter(connection=connection).exclude(failing_since=None, open_until=None)
    if not failing.exists():
        Connection.objects.filter(pk=connection.pk, parked_until=None).exclude(last_error="").update(last_error="")
    connection.refresh_from_db()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
