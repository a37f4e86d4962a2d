"""The one place where history is written."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue, enqueue_many
from leads.models import Lead, LeadEvent, User
from leads.services.storing import insert_many, insert_values


class Agenda:
    """What is still to be done about a lead that somebody advances: events with a step, oldest first."""

    def __init__(self, lead_id: int, events: Iterable[LeadEvent] = ()) -> None:
        self.lead_id = lead_id
        self.events = deque(events)


_advanced: ContextVar[Agenda | None] = ContextVar("advanced_lead", default=None)

ADVANCE = "leadmgmt.pipeline.advance_lead"

# Kinds that set a step off (leadmgmt/pipeline.py holds the steps; a test keeps the two lists equal).
STEP_KINDS = frozenset(
    {
        "lead.captured",
        "lead.touched",
        "lead.enriched",
        "lead.scored",
        "lead.assigned",
        "lead.waiting",
        "answer.given",
        "stage.new",
        "stage.mql",
        "stage.sql",
        "stage.opportunity",
        "stage.won",
        "stage.recycled",
        "stage.disqualified",
        "handoff.refused",
        "opportunity.won",
        "opportunity.lost",
        "opportunity.reopened",
    }
)


def record_event(
    lead: Lead,
    kind: str,
    *,
    at: datetime | None = None,
    actor: User | None = None,
    by: str = "",
    data: dict[str, Any] | None = None,
    quiet: bool = False,
) -> LeadEvent:
    """Write one line of the lead's history in the caller's transaction, and nudge the pipeline where it has a step.

    ``at`` is when it happened (history may lie in the past), ``by`` names a machine where no person acted.
    ``quiet`` keeps the pipeline out: for history brought in, which happened long ago and must set nothing off.
    """
    recorded_at = now()
    needs_step = kind in STEP_KINDS and not quiet
    event = LeadEvent(
        lead=lead,
        kind=kind,
        at=at or recorded_at,
        recorded_at=recorded_at,
        actor=actor,
        actor_label=by if actor is None else "",
        data=data or {},
        needs_step=needs_step,
    )
    insert_many([event])
    if needs_step:
        agenda = _advanced.get()
        if agenda is not None and agenda.lead_id == lead.pk:
            agenda.events.append(event)
        else:
            enqueue(ADVANCE, lead.pk)
    return event


@contextmanager
def advanced(agenda: Agenda) -> Iterator[None]:
    """Within this block somebody handles the lead's events until none is left: new ones join the agenda, un-nudged."""
    token = _advanced.set(agenda)
    try:
        yield
    finally:
        _advanced.reset(token)


@dataclass(frozen=True)
class Line:
    """One line of history to be written together with others; the words are those of record_event."""

    lead: Lead
    kind: str
    at: datetime
    by: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    quiet: bool = False


def record_events(lines: Iterable[Line]) -> None:
    """Write many lines, in this order, and nudge the pipeline once per lead with a step to do."""
    lines, recorded_at = list(lines), now()
    rows = [
        {
            "lead_id": line.lead.pk,
            "kind": line.kind,
            "at": line.at,
            "recorded_at": recorded_at,
            "actor_label": line.by,
            "data": line.data,
            "needs_step": line.kind in STEP_KINDS and not line.quiet,
        }
        for line in lines
    ]
    insert_values(LeadEvent, rows)
    steps = [line.lead.pk for line, row in zip(lines, rows, strict=True) if row["needs_step"]]
    enqueue_many(ADVANCE, dict.fromkeys(steps))


def record_history(events: Iterable[LeadEvent]) -> int:
    """Write many past events at once, none of which sets anything off. Returns how many."""
    rows = list(events)
    for row in rows:
        row.needs_step = False
    insert_many(rows)
    return len(rows)
