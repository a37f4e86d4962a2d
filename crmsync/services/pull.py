"""Reading what changed in a CRM: polls are the truth, hints only make it sooner (CRM_CONTRACT 6)."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from crmsync.adapters.base import DEAL, Adapter, Remote, Window
from crmsync.adapters.errors import AdapterError, Gone, Moved, RateLimited, SchemaDrift
from crmsync.adapters.registry import adapter_for
from crmsync.adapters.wire import calls_made, count_anew
from crmsync.models import Connection, Cursor, InboxEvent, Link
from crmsync.services import accounts, breaker, cursors, quota, rate, schema
from crmsync.services.apart import TOGETHER, set_apart
from crmsync.services.apply import apply_record
from crmsync.services.breaker import Gate
from crmsync.services.claim import DEADLINE
from crmsync.services.take_in import differs, store, take_in
from leadmgmt.core.errors import ConfigurationError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue

PULL = "crmsync.tasks.pull_connection"
MODES = (Connection.Mode.BOTH, Connection.Mode.PULL_ONLY)
PAGE = 200
# One job reads so many pages, then makes room for others and asks for the next.
PAGES = 50
MOST_COUNTED = 1000
# Deletions have a cursor of their own; before its first look nothing of ours was there to be deleted.
DELETED = "deal.deleted"
FIRST_LOOK = timedelta(days=1)


def pull_connection(connection_id: int) -> str:
    """Read what changed since the cursor, store it, apply it. Safe to run twice and at once."""
    connection = Connection.objects.get(pk=connection_id)
    if connection.mode not in MODES:
        return "this connection does not pull"
    gate = breaker.gate(connection, breaker.READS, now())
    if gate is Gate.SHUT:
        return "the connection rests"
    try:
        adapter = adapter_for(connection)
    except ConfigurationError as error:
        breaker.park(connection, error, now() + breaker.LONGEST_REST)
        return "the connection is not configured"
    count_anew()
    try:
        seen = _poll(connection, adapter)
        said_well = breaker.passed if gate is Gate.TRIAL else breaker.note_success
        said_well(connection, breaker.READS)
        schema.read_if_due(connection, adapter, now())
    except RateLimited as error:
        seconds = min(max(error.retry_after or 1.0, 1.0), 3600.0)
        rate.complain(connection, adapter.capabilities(), rate.SEARCH, seconds, now())
        breaker.rest(connection, breaker.READS, now() + timedelta(seconds=seconds))
        seen = 0
    except SchemaDrift:
        # The next poll goes without the field that is missing.
        with suppress(AdapterError):
            schema.read_schema(connection, adapter)
        seen = 0
    except AdapterError as error:
        breaker.note_trouble(connection, breaker.READS, error, now())
        seen = 0
    finally:
        quota.note(connection)
        adapter.close()
    cost = min(calls_made().total, MOST_COUNTED)
    applied = apply_inbox(connection.pk)
    Connection.objects.filter(pk=connection.pk).update(last_pull_at=now(), poll_calls=cost)
    return f"{seen} new, {applied} applied"


def _poll(connection: Connection, adapter: Adapter) -> int:
    """Page by page: store, commit, and only then move the cursor. A window of many pages goes on where it stopped."""
    remote_now = adapter.check(now() + DEADLINE).server_time
    skew = (remote_now - now()).total_seconds()
    Connection.objects.filter(pk=connection.pk).update(skew_seconds=round(skew, 1))
    cursor = Cursor.objects.filter(connection=connection, kind=DEAL).first()
    window, token = cursors.window_of(connection, adapter.capabilities(), cursor, remote_now)
    seen = 0
    for _ in range(PAGES):
        if not rate.turn(connection, adapter.capabilities(), rate.SEARCH):
            # The next poll goes on from here.
            return seen
        page = adapter.changes(DEAL, window, token, PAGE, now() + DEADLINE)
        plain, certain = _sorted_out(connection, adapter, page.items)
        seen += store(connection, plain, via="poll", at=now())
        seen += store(connection, certain, via="poll", at=now(), is_certain=True)
        if page.truncated:
            return seen
        token = page.next_token
        cursors.move(connection, min(page.covered_to, remote_now), window, token, clock=remote_now)
        if token is None:
            _sweep_deleted(connection, adapter, remote_now)
            accounts.read_accounts(connection, adapter, remote_now)
            return seen
    enqueue(PULL, connection.pk)
    return seen


def _sorted_out(connection: Connection, adapter: Adapter, items: Sequence[Remote]) -> tuple[list[Remote], list[Remote]]:
    """States as a list shows them, and those that were read one by one to be certain.

    A stamp older than the one we know may be an index that lags behind, or a long transaction that was stamped at its
    beginning and has won: only the record itself tells.
    """
    links = Link.objects.filter(connection=connection, remote_id__in=[one.remote_id for one in items])
    known = {link.remote_id: link for link in links.exclude(remote_modified_at=None)}
    plain, certain = [], []
    for one in items:
        link = known.get(one.remote_id)
        is_older = (
            link is not None and link.remote_modified_at is not None and one.modified_at < link.remote_modified_at
        )
        if link is None or not is_older or not differs(one, link.shadow):
            plain.append(one)
            continue
        with suppress(Gone, Moved):
            certain.append(adapter.get(DEAL, one.remote_id, now() + DEADLINE))
    return plain, certain


def _sweep_deleted(connection: Connection, adapter: Adapter, remote_now: datetime) -> None:
    """What the CRM says it has deleted; a second look at each record decides (CRM_CONTRACT 10)."""
    if adapter.capabilities().deletes != "feed":
        return
    cursor = Cursor.objects.filter(connection=connection, kind=DELETED).first()
    lo = cursor.position - cursors.overlap(connection, adapter.capabilities()) if cursor else remote_now - FIRST_LOOK
    page = adapter.deletions(DEAL, Window(lo, remote_now), None, now() + DEADLINE)
    gone = Link.objects.filter(connection=connection, remote_id__in=page.remote_ids, state=Link.State.LINKED)
    for remote_id in list(gone.values_list("remote_id", flat=True)):
        read_record(connection, adapter, str(remote_id), via="poll")
    cursors.move(connection, page.covered_to, kind=DELETED)


def read_record(connection: Connection, adapter: Adapter, remote_id: str, *, via: str) -> str:
    """Read one record as it stands now and apply it; ``via`` says what asked for it.

    Raises AdapterError where the CRM gives no answer.
    """
    links = Link.objects.filter(connection=connection, remote_id=remote_id)
    try:
        remote = adapter.get(DEAL, remote_id, now() + DEADLINE)
    except Gone:
        for link in links.filter(state=Link.State.LINKED):
            set_apart(link, Link.State.REMOTE_DELETED, now())
        return "deleted in the CRM"
    except Moved as error:
        for link in links:
            set_apart(link, Link.State.MERGED, now(), into=error.new_id)
        return "merged in the CRM"
    # Somebody has brought it back.
    links.filter(state=Link.State.REMOTE_DELETED).update(state=Link.State.LINKED, **TOGETHER)
    take_in(connection, remote, via=via, at=now())
    return "applied"


def pull_record(connection_id: int, remote_id: str) -> str:
    """Follow a hint. Payloads of hints are never believed."""
    connection = Connection.objects.get(pk=connection_id)
    if connection.mode not in MODES or breaker.is_shut(connection, breaker.READS):
        return "not now"
    adapter = adapter_for(connection)
    try:
        return read_record(connection, adapter, remote_id, via="webhook")
    except AdapterError as error:
        breaker.note_trouble(connection, breaker.READS, error, now(), of_record=True)
        return "no answer"
    finally:
        adapter.close()


def apply_inbox(connection_id: int) -> int:
    """Apply every stored state whose time has come. Returns how many."""
    applied = 0
    ready = InboxEvent.objects.filter(connection=connection_id, state=InboxEvent.State.READY).exclude(
        next_try_at__gt=now()
    )
    for remote_id in list(ready.order_by("remote_id").values_list("remote_id", flat=True).distinct()[:5000]):
        applied += apply_record(connection_id, remote_id)
    return applied
