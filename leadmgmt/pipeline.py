"""THE RECIPE: capture → enrich → score → route → notify → qualify → convert → sync → learn.

Each line says: when this has happened to a lead, do that. A step gets the locked lead and the event, touches the
database only, and is safe to run twice. Work for the network has its own rows (EnrichmentRequest, Notification,
OutboxEntry), claimed, called and recorded by its own jobs.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crmsync.services.convert import convert_by_itself
from crmsync.services.handoff import announce_handoff, announce_refusal
from leadmgmt.core.backoff import next_try
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.events import ADVANCE
from leads.models import Lead, LeadEvent
from leads.services.enrich import begin_enrichment
from qualification.services.criteria import apply_mql_criteria, apply_sql_criteria
from qualification.services.learn import record_outcome
from qualification.services.nurture import begin_nurture, end_nurture
from qualification.services.score import score_lead
from routing.services.notify import notify_owner, notify_touch, notify_waiting
from routing.services.release import release_lead
from routing.services.route import route_lead

log = logging.getLogger(__name__)

Step = Callable[[Lead, LeadEvent], None]

STEPS: dict[str, tuple[Step, ...]] = {
    # A stranger shows interest, or stirs again.
    "lead.captured": (begin_enrichment,),
    "lead.touched": (begin_enrichment, notify_touch),
    "stage.new": (end_nurture, begin_enrichment),
    # What can be known is known (or the deadline has passed).
    "lead.enriched": (score_lead,),
    "lead.scored": (apply_mql_criteria, route_lead),
    # Somebody works it now, or nobody can yet.
    "lead.assigned": (notify_owner,),
    "lead.waiting": (notify_waiting,),
    # Is it worth an AE's hour?
    "answer.given": (apply_sql_criteria,),
    "stage.mql": (end_nurture, apply_sql_criteria),
    "stage.sql": (convert_by_itself,),
    # The handoff.
    "stage.opportunity": (end_nurture, announce_handoff),
    "handoff.refused": (announce_refusal,),
    # What became of it, and what we learn from that.
    "stage.won": (release_lead, record_outcome),
    "stage.recycled": (release_lead, record_outcome, begin_nurture),
    "stage.disqualified": (release_lead, record_outcome, end_nurture),
}

MAX_ATTEMPTS = 8
LATE = timedelta(seconds=5)
NUDGE_AFTER = timedelta(seconds=10)
NUDGE_AGAIN = timedelta(seconds=60)


def advance_lead(lead_id: int) -> str:
    """Run the lead's pending steps, oldest event first, each in its own transaction; returns what it did.

    Safe to run twice and by several workers at once: the lead's row lock decides, and the event is marked handled
    in the step's own transaction. A crash rolls the step back and leaves the event pending.
    """
    done = 0
    while event := _pending(lead_id).first():
        at = now()
        if event.error and event.next_try_at and event.next_try_at > at:
            break
        if at - event.recorded_at > LATE and _count_attempt(event, at):
            break
        try:
            done += _run(lead_id, event.pk)
        except Exception as error:
            _note_failure(event.pk, error)
            break
    return f"{done} steps"


def _pending(lead_id: int) -> QuerySet[LeadEvent]:
    return LeadEvent.objects.filter(
        lead_id=lead_id, needs_step=True, handled_at__isnull=True, parked_at__isnull=True
    ).order_by("pk")


def _run(lead_id: int, event_id: int) -> int:
    """One step in one transaction; 0 if another worker was faster."""
    with transaction.atomic(durable=True):
        lead = Lead.objects.lock().get(pk=lead_id)
        event = LeadEvent.objects.get(pk=event_id)
        if event.handled_at is not None:
            return 0
        for step in STEPS[event.kind]:
            step(lead, event)
            lead.refresh_from_db()
        LeadEvent.objects.filter(pk=event_id).update(handled_at=now(), error="", next_try_at=None)
    return 1


def _count_attempt(event: LeadEvent, at: datetime) -> bool:
    """Count a try before it is made, where an earlier one may have killed its worker. True: parked, stop here."""
    LeadEvent.objects.filter(pk=event.pk).update(attempts=F("attempts") + 1)
    if event.attempts + 1 <= MAX_ATTEMPTS:
        return False
    LeadEvent.objects.filter(pk=event.pk, error="").update(error="The worker was lost each time this step ran.")
    LeadEvent.objects.filter(pk=event.pk).update(parked_at=at)
    return True


def _note_failure(event_id: int, error: Exception) -> None:
    """Keep why the step failed, and when to try again; after the limit an admin has to."""
    # The message stays in the row, which is as protected as the lead; the log gets no personal data.
    log.error("step of event %s failed: %s", event_id, type(error).__name__, exc_info=error)
    at = now()
    event = LeadEvent.objects.get(pk=event_id)
    attempts = event.attempts + 1
    LeadEvent.objects.filter(pk=event_id).update(
        attempts=attempts,
        error=f"{type(error).__name__}: {error}",
        next_try_at=next_try(attempts, at=at),
        parked_at=at if attempts >= MAX_ATTEMPTS else None,
    )


def nudge_forgotten(at: datetime) -> int:
    """Enqueue leads whose event waits for its retry or was forgotten by a lost job. Returns how many."""
    due = Q(next_try_at__lte=at) | Q(next_try_at__isnull=True, recorded_at__lte=at - NUDGE_AFTER)
    with transaction.atomic():
        events = list(
            LeadEvent.objects.filter(due, needs_step=True, handled_at__isnull=True, parked_at__isnull=True)
            .order_by("pk")
            .values_list("pk", "lead_id")[:500]
        )
        for lead_id in {lead for _, lead in events}:
            enqueue(ADVANCE, lead_id)
        LeadEvent.objects.filter(pk__in=[pk for pk, _ in events]).update(next_try_at=at + NUDGE_AGAIN)
    return len(events)


def retry_parked(event_ids: list[int]) -> int:
    """An admin's retry: the events start over with a clean count. Returns how many."""
    with transaction.atomic():
        events = LeadEvent.objects.filter(pk__in=event_ids, parked_at__isnull=False)
        leads = list(events.values_list("lead_id", flat=True))
        count = events.update(parked_at=None, attempts=0, next_try_at=None, error="")
        for lead_id in set(leads):
            enqueue(ADVANCE, lead_id)
    return count
