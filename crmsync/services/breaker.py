"""Resting a connection that fails again and again, and finding out when it is back."""

from datetime import datetime, timedelta

from crmsync.models import Connection
from leadmgmt.core.now import now

FAILURES_TO_OPEN = 5
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)


def is_resting(connection: Connection, at: datetime) -> bool:
    """Whether nothing may be sent or read for now."""
    return connection.breaker_open_until is not None and connection.breaker_open_until > at


def is_suspect(connection: Connection) -> bool:
    """Whether the rest is over but nobody knows yet if the CRM is back: ask before sending."""
    return connection.breaker_open_until is not None


def note_success(connection: Connection) -> None:
    """The CRM answered."""
    if connection.failures_in_a_row or connection.breaker_open_until or connection.last_error:
        Connection.objects.filter(pk=connection.pk).update(
            failures_in_a_row=0, breaker_open_until=None, last_error="", failing_since=None
        )
        connection.refresh_from_db()


def note_failure(connection: Connection, error: Exception, at: datetime) -> None:
    """The CRM could not be reached; from the fifth time in a row the connection rests, each time twice as long."""
    connection.refresh_from_db()
    failures = min(connection.failures_in_a_row + 1, 30_000)
    until = connection.breaker_open_until
    if failures >= FAILURES_TO_OPEN:
        until = at + min(LONGEST_REST, FIRST_REST * 2 ** min(failures - FAILURES_TO_OPEN, 10))
    Connection.objects.filter(pk=connection.pk).update(
        failures_in_a_row=failures,
        breaker_open_until=until,
        last_error=_words(error),
        failing_since=connection.failing_since or at,
    )
    connection.refresh_from_db()


def park(connection: Connection, error: Exception, until: datetime) -> None:
    """A person or a new day is needed: nothing is sent, nothing is dropped."""
    since = connection.failing_since or now()
    Connection.objects.filter(pk=connection.pk).update(
        breaker_open_until=until, last_error=_words(error), failing_since=since
    )
    connection.refresh_from_db()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
