"""What an admin does about dead letters and held records: the same services again, and a line in the audit."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crmsync.models import AuditRow, Conflict, InboxEvent, Link, OutboxEntry
from crmsync.services import breaker
from crmsync.services.apart import TOGETHER
from crmsync.services.outbox import PUSH
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import User

APPLY = "crmsync.tasks.apply_inbox"
Out, In = OutboxEntry.State, InboxEvent.State


def retry_entries(entry_ids: Iterable[int], *, by: User | None, at: datetime | None = None) -> int:
    """Start dead or held entries over with a clean count; keys and order stay. Returns how many.

    What may have reached the CRM is still verified first.
    """
    at = at or now()
    with transaction.atomic():
        entries = list(
            OutboxEntry.objects.select_for_update().filter(pk__in=list(entry_ids), state__in=[Out.DEAD, Out.WAITING])
        )
        for entry in entries:
            entry.state = Out.VERIFY if entry.sent_at else Out.READY
            entry.attempts, entry.not_before, entry.done_at = 0, at, None
            entry.save(update_fields=["state", "attempts", "not_before", "done_at"])
            Link.objects.filter(
                connection=entry.connection_id, opportunity=entry.opportunity_id, state=Link.State.QUARANTINED
            ).update(state=Link.State.LINKED, **TOGETHER)
            _audit(entry, "retried", by, "", at)
        for connection_id in {entry.connection_id for entry in entries}:
            breaker.forget(connection_id)
            enqueue(PUSH, connection_id)
    return len(entries)


def skip_entries(entry_ids: Iterable[int], *, by: User | None, reason: str, at: datetime | None = None) -> int:
    """Give entries up for good, with the reason that a person gives. Returns how many."""
    at = at or now()
    if not reason.strip():
        sentence = _("Say why it may be skipped.")
        raise InvalidInput(sentence, fields={"reason": sentence})
    with transaction.atomic():
        entries = list(
            OutboxEntry.objects.select_for_update().filter(pk__in=list(entry_ids), state__in=[Out.DEAD, Out.WAITING])
        )
        for entry in entries:
            _audit(entry, "skipped", by, reason, at)
        OutboxEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
            state=Out.SUPERSEDED, done_at=at, error_class="Skipped", error=reason.strip()
        )
        for connection_id in {entry.connection_id for entry in entries}:
            enqueue(PUSH, connection_id)
    return len(entries)


def retry_class(connection_id: int, error_class: str, *, by: User | None) -> int:
    """All dead and held entries of one kind of error. Returns how many."""
    same = OutboxEntry.objects.filter(
        connection=connection_id, error_class=error_class, state__in=[Out.DEAD, Out.WAITING]
    )
    return retry_entries(same.values_list("pk", flat=True), by=by)


def retry_inbox(event_ids: Iterable[int]) -> int:
    """Apply held or given-up records again. Returns how many."""
    with transaction.atomic():
        events = InboxEvent.objects.filter(pk__in=list(event_ids), state__in=[In.WAITING, In.DEAD])
        connections = set(events.values_list("connection", flat=True))
        count = events.update(state=In.READY, attempts=0, next_try_at=None)
        for connection_id in connections:
            enqueue(APPLY, connection_id)
    return count


def release_held(connection_id: int) -> int:
    """A mapping has changed: whatever was held for it is looked at again. Returns how many."""
    held = InboxEvent.objects.filter(connection=connection_id, state=In.WAITING).values_list("pk", flat=True)
    waiting = OutboxEntry.objects.filter(connection=connection_id, state=Out.WAITING, error_class="NotMapped")
    return retry_inbox(list(held)) + retry_entries(waiting.values_list("pk", flat=True), by=None)


def resolve_conflict(conflict_id: int, *, at: datetime | None = None) -> Conflict:
    """A person has seen it."""
    with transaction.atomic():
        conflict = Conflict.objects.select_for_update().get(pk=conflict_id)
        if conflict.resolved_at is None:
            conflict.resolved_at = at or now()
            conflict.save(update_fields=["resolved_at"])
    return conflict


def _audit(entry: OutboxEntry, verdict: str, by: User | None, reason: str, at: datetime) -> None:
    AuditRow.objects.create(
        connection_id=entry.connection_id,
        link=Link.objects.filter(connection=entry.connection_id, opportunity=entry.opportunity_id).first(),
        at=at,
        direction="push",
        verdict=verdict,
        rule="a person" if by else "mapping changed",
        changes={"entry": entry.pk, "error": entry.error, "reason": reason},
        actor=f"user:{by.pk}" if by else "leadmgmt",
    )
