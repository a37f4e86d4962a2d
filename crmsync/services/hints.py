"""Webhooks: stored in the request, followed afterwards; duplicates and any order are harmless (CRM_CONTRACT 6.2)."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F

from crmsync.adapters import base
from crmsync.adapters.errors import AdapterError, RateLimited
from crmsync.adapters.registry import adapter_for
from crmsync.models import Connection, Hint, HookRefusal
from crmsync.services import breaker, quota, rate
from crmsync.services.pull import MODES, read_record
from leadmgmt.core.backoff import next_try
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue

FOLLOW = "crmsync.tasks.follow_hints"
# Several events of one change arrive within this; the record is read once.
TOGETHER = timedelta(seconds=2)
MAX_ATTEMPTS = 8
BATCH = 500


def store_hints(connection: Connection, hints: Sequence[base.Hint]) -> int:
    """Keep what a webhook said, and ask for the records to be read. Returns how many; those known are skipped."""
    at = now()
    rows = [
        Hint(
            connection=connection,
            dedupe_key=hint.dedupe_key,
            remote_id=hint.remote_id[:120],
            change=hint.change[:60],
            received_at=at,
            not_before=at + TOGETHER,
        )
        for hint in hints
    ]
    Hint.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def count_refusal(connection: Connection, why: str) -> None:
    """Count a webhook that was refused; its CRM may have been set up wrongly, or somebody tries."""
    mine, at = HookRefusal.objects.filter(connection=connection, why=why), now()
    if not mine.update(count=F("count") + 1, last_at=at):
        HookRefusal.objects.bulk_create(
            [HookRefusal(connection=connection, why=why, last_at=at)], ignore_conflicts=True
        )
        mine.update(count=F("count") + 1, last_at=at)


def follow_hints(connection_id: int) -> str:
    """Read the records that hints name, each once. Safe to run twice and at once."""
    connection = Connection.objects.get(pk=connection_id)
    if connection.mode not in MODES or breaker.is_shut(connection, breaker.READS):
        return "not now"
    due = Hint.objects.filter(connection=connection, done_at=None, not_before__lte=now())
    remote_ids = list(due.order_by("remote_id").values_list("remote_id", flat=True).distinct()[:BATCH])
    adapter = adapter_for(connection)
    followed = 0
    try:
        for remote_id in remote_ids:
            if not rate.turn(connection, adapter.capabilities(), rate.CALLS):
                # The clock comes back for the others.
                break
            followed += _follow(connection, adapter, remote_id)
            if breaker.is_shut(connection, breaker.READS):
                break
    except RateLimited:
        return f"{followed} of {len(remote_ids)} read; the CRM allows no more just now"
    finally:
        quota.note(connection)
        adapter.close()
    if len(remote_ids) == BATCH:
        enqueue(FOLLOW, connection.pk)
    return f"{followed} of {len(remote_ids)} read"


def _follow(connection: Connection, adapter: base.Adapter, remote_id: str) -> int:
    """Those that came before the look are answered by it; one that comes meanwhile is not."""
    seen = list(
        Hint.objects.filter(connection=connection, remote_id=remote_id, done_at=None).values_list("pk", "attempts")
    )
    hints = Hint.objects.filter(pk__in=[pk for pk, _ in seen])
    try:
        read_record(connection, adapter, remote_id, via="webhook")
    except RateLimited as error:
        seconds = min(max(error.retry_after or 1.0, 1.0), 3600.0)
        rate.complain(connection, adapter.capabilities(), rate.CALLS, seconds, now())
        hints.update(not_before=now() + timedelta(seconds=seconds))
        raise
    except AdapterError as error:
        breaker.note_trouble(connection, breaker.READS, error, now(), of_record=True)
        attempts = max((count for _, count in seen), default=0) + 1
        # The next poll covers what is given up here.
        over = {"done_at": now()} if attempts >= MAX_ATTEMPTS else {"not_before": next_try(attempts, at=now())}
        hints.update(attempts=attempts, error=f"{type(error).__name__}: {error}", **over)
        return 0
    breaker.note_success(connection, breaker.READS)
    hints.update(done_at=now(), error="")
    return 1
