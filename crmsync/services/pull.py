"""Reading what changed in a CRM: polls are the truth, hints only make it sooner (CRM_CONTRACT 6)."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from crmsync.adapters.base import DEAL, Adapter, Capabilities, Window
from crmsync.adapters.errors import AdapterError, Gone, Moved, QuotaExhausted, RateLimited
from crmsync.adapters.registry import adapter_for
from crmsync.models import Connection, Cursor, InboxEvent, Link
from crmsync.services import breaker
from crmsync.services.apply import apply_record
from crmsync.services.claim import DEADLINE
from crmsync.services.take_in import store, take_in
from leadmgmt.core.errors import ConfigurationError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue

PULL = "crmsync.tasks.pull_connection"
MODES = (Connection.Mode.BOTH, Connection.Mode.PULL_ONLY)
PAGE = 200
# One job reads so many pages, then makes room for others and asks for the next.
PAGES = 50
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(minutes=15)


def pull_connection(connection_id: int) -> str:
    """Read what changed since the cursor, store it, apply it. Safe to run twice and at once."""
    connection = Connection.objects.get(pk=connection_id)
    if connection.mode not in MODES:
        return "this connection does not pull"
    if breaker.is_resting(connection, now()):
        return "the connection rests"
    try:
        adapter = adapter_for(connection)
    except ConfigurationError as error:
        breaker.park(connection, error, now() + breaker.LONGEST_REST)
        return "the connection is not configured"
    try:
        seen = _poll(connection, adapter)
        breaker.note_success(connection)
    except RateLimited as error:
        breaker.park(connection, error, now() + timedelta(seconds=min(error.retry_after or 1, 3600)))
        seen = 0
    except QuotaExhausted as error:
        breaker.park(connection, error, error.reset_at or now() + timedelta(hours=1))
        seen = 0
    except AdapterError as error:
        breaker.note_failure(connection, error, now())
        seen = 0
    finally:
        adapter.close()
    applied = apply_inbox(connection.pk)
    Connection.objects.filter(pk=connection.pk).update(last_pull_at=now())
    return f"{seen} new, {applied} applied"


def _poll(connection: Connection, adapter: Adapter) -> int:
    """Page by page: store, commit, and only then move the cursor."""
    remote_now = adapter.check(now() + DEADLINE).server_time
    cursor = Cursor.objects.filter(connection=connection, kind=DEAL).first()
    lo = cursor.position - overlap(connection, adapter.capabilities()) if cursor else BEGINNING
    window = Window(lo, remote_now)
    token, seen = None, 0
    for _ in range(PAGES):
        page = adapter.changes(DEAL, window, token, PAGE, now() + DEADLINE)
        seen += store(connection, page.items, via="poll", at=now())
        if page.truncated:
            return seen
        _move_cursor(connection, page.covered_to)
        token = page.next_token
        if token is None:
            return seen
    enqueue(PULL, connection.pk)
    return seen


def overlap(connection: Connection, can: Capabilities) -> timedelta:
    """How far behind the cursor each poll looks again, so that a change that became visible late is not missed."""
    configured = timedelta(seconds=float(connection.config.get("overlap_seconds", OVERLAP.total_seconds())))
    return max(configured, 2 * can.max_commit_lag, 2 * can.timestamp_precision, timedelta(seconds=5))


def _move_cursor(connection: Connection, position: datetime) -> None:
    """Forward only: two polls at once, or a CRM whose clock jumped back, lose nothing."""
    with transaction.atomic():
        cursor, _ = Cursor.objects.select_for_update().get_or_create(
            connection=connection, kind=DEAL, defaults={"position": position, "moved_at": now()}
        )
        if cursor.position < position:
            Cursor.objects.filter(pk=cursor.pk).update(position=position, moved_at=now())


def pull_record(connection_id: int, remote_id: str) -> str:
    """Follow a hint: read one record as it stands now and apply it. Payloads of hints are never believed."""
    connection = Connection.objects.get(pk=connection_id)
    if connection.mode not in MODES or breaker.is_resting(connection, now()):
        return "not now"
    adapter = adapter_for(connection)
    try:
        remote = adapter.get(DEAL, remote_id, now() + DEADLINE)
    except Gone:
        Link.objects.filter(connection=connection, remote_id=remote_id).update(state=Link.State.REMOTE_DELETED)
        return "deleted in the CRM"
    except Moved:
        Link.objects.filter(connection=connection, remote_id=remote_id).update(state=Link.State.MERGED)
        return "merged in the CRM"
    except AdapterError as error:
        breaker.note_failure(connection, error, now())
        return "no answer"
    finally:
        adapter.close()
    take_in(connection, remote, via="webhook", at=now())
    return "applied"


def apply_inbox(connection_id: int) -> int:
    """Apply every stored state whose time has come. Returns how many."""
    applied = 0
    ready = InboxEvent.objects.filter(connection=connection_id, state=InboxEvent.State.READY).exclude(
        next_try_at__gt=now()
    )
    for remote_id in list(ready.order_by("remote_id").values_list("remote_id", flat=True).distinct()[:5000]):
        applied += apply_record(connection_id, remote_id)
    return applied
