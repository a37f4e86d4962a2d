"""THE RECIPE: capture → enrich → score → route → notify → qualify → convert → sync → learn.

Each line says: when this has happened to a lead, do that. A step gets the locked lead and the event, touches the
database only, leaves the lead in memory as it stands in the database, and is safe to run twice. Work for the network
has its own rows (EnrichmentRequest, Notification, OutboxEntry), claimed, called and recorded by its own jobs.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crmsync.services.accounts import know_account
from crmsync.services.convert import convert_by_itself
from crmsync.services.handoff import announce_handoff, announce_refusal
from crmsync.services.joining import follow_joined
from leadmgmt.core.backoff import next_try
from leadmgmt.core.now import now
from leadmgmt.core.queue import worked_off
from leadmgmt.core.tasks import enqueue
from leads.configuration import looked_at_once
from leads.events import ADVANCE, Agenda, advanced
from leads.facts import hold
from leads.models import Lead, LeadEvent
from leads.services.duplicates import look_for_duplicates
from leads.services.enrich import begin_enrichment
from leads.services.storing import update_many
from qualification.services.cadences import begin_by_itself, end_by_answer, end_by_stage
from qualification.services.criteria import apply_mql_criteria, apply_sql_criteria
from qualification.services.learn import record_outcome
from qualification.services.mail_news import note_reply
from qualification.services.nurture import begin_nurture, end_nurture
from qualification.services.score import score_lead
from routing.services.notify import notify_owner, notify_touch, notify_waiting
from routing.services.release import release_lead
from routing.services.route import route_lead

log = logging.getLogger(__name__)

Step = Callable[[Lead, LeadEvent], None]

STEPS: dict[str, tuple[Step, ...]] = {
    # A stranger shows interest, or stirs again.
    "lead.captured": (begin_enrichment, look_for_duplicates),
    "lead.touched": (begin_enrichment, notify_touch, note_reply, end_by_answer),
    "stage.new": (end_nurture, begin_enrichment, note_reply),
    # What can be known is known (or the deadline has passed).
    "lead.enriched": (know_account, score_lead),
    "lead.scored": (apply_mql_criteria, route_lead),
    # Somebody works it now, or nobody can yet.
    "lead.assigned": (notify_owner, begin_by_itself),
    "lead.waiting": (notify_waiting,),
    # Is it worth an AE's hour?
    "answer.given": (apply_sql_criteria,),
    "stage.mql": (end_nurture, apply_sql_criteria),
    "stage.sql": (convert_by_itself,),
    # The handoff.
    "stage.opportunity": (end_nurture, announce_handoff, end_by_stage),
    "handoff.refused": (announce_refusal, follow_joined),
    "opportunity.won": (follow_joined,),
    "opportunity.lost": (follow_joined,),
    "opportunity.reopened": (follow_joined,),
    # What became of it, and what we learn from that.
    "stage.won": (release_lead, record_outcome, end_by_stage),
    "stage.recycled": (release_lead, record_outcome, begin_nurture, end_by_stage),
    "stage.disqualified": (release_lead, record_outcome, end_nurture, end_by_stage),
}

# Routing locks the pool that a rule distributes over. Telling people is little enough to be done while others wait for
# it, and spares a transaction; anything else begins one of its own.
LOCKS_POOL = frozenset({"lead.scored"})
LIGHT = frozenset({"stage.mql", "lead.assigned", "lead.waiting"})

MAX_ATTEMPTS = 8
NUDGE_AFTER = timedelta(seconds=10)
NUDGE_AGAIN = timedelta(seconds=60)


def advance_lead(lead_id: int) -> str:
    """Run the lead's pending steps, oldest event first; returns how many events were handled.

    Safe to run twice and by several workers at once: the lead's row lock decides, and an event is marked handled in
    the transaction of its steps. A crash rolls the steps back and leaves their events pending.
    """
    done, alone, counted = 0, False, 0
    while True:
        run = _run(lead_id, alone=alone, counted=counted)
        done += run.handled
        if run.suspect is not None:
            if not _count_attempt(run.suspect):
                break
            counted = run.suspect.pk
        elif run.failed and not run.is_first:
            # What was done before it in the same transaction is done again, and kept.
            alone = True
        elif run.failed:
            _note_failure(*run.failed)
            break
        elif run.is_through:
            break
    return f"{done} handled"


@dataclass(frozen=True)
class Run:
    """What one transaction has come to. ``failed``: the event whose step raised, with its error; nothing was kept.

    ``is_first``: no other event was handled before it. ``suspect``: an event whose try has to be counted first.
    ``is_through``: nothing is pending any more that could be tried now.
    """

    handled: int = 0
    failed: tuple[LeadEvent, Exception] | None = None
    is_first: bool = True
    suspect: LeadEvent | None = None
    is_through: bool = False


def _pending(lead_id: int) -> QuerySet[LeadEvent]:
    return LeadEvent.objects.filter(
        lead_id=lead_id, needs_step=True, handled_at__isnull=True, parked_at__isnull=True
    ).order_by("pk")


def _waits(event: LeadEvent) -> bool:
    """Whether its step has failed and is not to be tried again yet."""
    return bool(event.error and event.next_try_at and event.next_try_at > now())


def _is_suspect(event: LeadEvent) -> bool:
    """Whether an earlier try has failed, or took its job with it: tried by itself, and counted beforehand."""
    return bool(event.error) or event.next_try_at is not None


def _run(lead_id: int, *, alone: bool, counted: int) -> Run:
    """Handle what is pending in one transaction, all of it or nothing. ``alone``: one event, then commit.

    ``counted`` is the event whose try has been counted: it may be run although it is suspect, by itself.
    """
    with transaction.atomic(durable=True):
        lead = Lead.objects.lock().get(pk=lead_id)
        agenda = Agenda(lead_id, _pending(lead_id))
        first = agenda.events[0] if agenda.events else None
        if first is None or _waits(first):
            return Run(is_through=True)
        if _is_suspect(first) and first.pk != counted:
            return Run(suspect=first)
        hold(lead)
        with looked_at_once(), advanced(agenda):
            run = _work_off(lead, agenda, alone=alone or _is_suspect(first))
        if run.failed:
            transaction.set_rollback(True)
    return run


def _work_off(lead: Lead, agenda: Agenda, *, alone: bool) -> Run:
    """Run the steps of what is on the agenda, up to where the transaction has to end, and mark it handled."""
    handled: list[LeadEvent] = []
    while agenda.events and not (handled and (alone or _needs_its_own(agenda.events[0], handled))):
        event = agenda.events.popleft()
        try:
            for step in STEPS[event.kind]:
                step(lead, event)
        except Exception as error:
            return Run(failed=(event, error), is_first=not handled)
        handled.append(event)
        event.handled_at, event.error, event.next_try_at = now(), "", None
    update_many(handled, ("handled_at", "error", "next_try_at"))
    return Run(len(handled), is_through=not agenda.events)


def _needs_its_own(event: LeadEvent, handled: list[LeadEvent]) -> bool:
    """Whether the event begins another transaction than what was handled before it."""
    return _is_suspect(event) or (event.kind not in LIGHT and any(one.kind in LOCKS_POOL for one in handled))


def _count_attempt(event: LeadEvent) -> bool:
    """Count a try before it is made, as an earlier one may have killed its worker. False: parked, stop here."""
    row = LeadEvent.objects.filter(pk=event.pk)
    row.update(attempts=F("attempts") + 1)
    if event.attempts < MAX_ATTEMPTS:
        return True
    row.filter(error="").update(error="The worker was lost each time this step ran.")
    row.update(parked_at=now())
    return False


def _note_failure(event: LeadEvent, error: Exception) -> None:
    """Keep why the step failed, and when to try again; after the limit an admin has to."""
    # The message stays in the row, which is as protected as the lead; the log gets no personal data.
    log.error("step of event %s failed: %s", event.pk, type(error).__name__)
    at = now()
    row = LeadEvent.objects.get(pk=event.pk)
    # A suspect's try was counted before it was made.
    row.attempts = max(row.attempts, 1)
    row.error = f"{type(error).__name__}: {error}"
    row.next_try_at = next_try(row.attempts, at=at)
    row.parked_at = at if row.attempts >= MAX_ATTEMPTS else None
    row.save(update_fields=["attempts", "error", "next_try_at", "parked_at"])


def nudge_forgotten(at: datetime) -> int:
    """Enqueue leads whose event waits for its retry or was forgotten by a lost job. Returns how many.

    An event whose job stands in a long queue is neither.
    """
    past = worked_off(at)
    due = Q(next_try_at__lte=past) | Q(next_try_at__isnull=True, recorded_at__lte=past - NUDGE_AFTER)
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
