"""How far a CRM has been read, in its own clock (CRM_CONTRACT 6.1)."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from crmsync.adapters.base import DEAL, Capabilities, Window
from crmsync.models import Connection, Cursor
from leadmgmt.core.now import now

# A clock that tells seconds may be this much behind what it stamps.
TICK = timedelta(seconds=1)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(minutes=15)


def window_of(
    connection: Connection, can: Capabilities, cursor: Cursor | None, remote_now: datetime
) -> tuple[Window, str | None]:
    """What is to be read next: the rest of a window that was not read to its end, or all since the cursor."""
    if cursor and cursor.token and cursor.lo and cursor.hi:
        return Window(cursor.lo, cursor.hi), cursor.token
    if cursor is None:
        return Window(BEGINNING, remote_now + TICK), None
    # A clock that jumped back is believed: what is written from now on carries the earlier time.
    position = min(cursor.position, remote_now)
    return Window(position - overlap(connection, can), remote_now + TICK), None


def overlap(connection: Connection, can: Capabilities) -> timedelta:
    """How far behind the cursor each poll looks again, so that a change that became visible late is not missed."""
    configured = timedelta(seconds=float(connection.config.get("overlap_seconds", OVERLAP.total_seconds())))
    return max(configured, 2 * can.max_commit_lag, 2 * can.timestamp_precision, timedelta(seconds=5))


def move(
    connection: Connection,
    position: datetime,
    window: Window | None = None,
    token: str | None = None,
    *,
    kind: str = DEAL,
    clock: datetime | None = None,
    full_at: datetime | None = None,
) -> None:
    """Forward, whatever two polls at once do; never beyond the CRM's ``clock``, even where that jumped back.

    ``full_at``: when the reading from the beginning, of which this is a part or the last one, was begun.
    """
    with transaction.atomic():
        cursor, _ = Cursor.objects.select_for_update().get_or_create(
            connection=connection, kind=kind, defaults={"position": position, "moved_at": now()}
        )
        cursor.position, cursor.moved_at, cursor.error = max(cursor.position, position), now(), ""
        cursor.full_at = full_at or cursor.full_at
        if clock is not None:
            cursor.position = min(cursor.position, clock)
        cursor.lo, cursor.hi, cursor.token = (window.lo, window.hi, token) if window and token else (None, None, "")
        cursor.save()


def note_error(connection: Connection, kind: str, error: str, remote_now: datetime) -> None:
    """Why this kind could not be read; it is tried again as if nothing had been."""
    fresh = {"position": BEGINNING, "moved_at": now()}
    cursor, _ = Cursor.objects.get_or_create(connection=connection, kind=kind, defaults=fresh)
    Cursor.objects.filter(pk=cursor.pk).update(error=error[:2000], moved_at=now(), token="", lo=None, hi=None)
