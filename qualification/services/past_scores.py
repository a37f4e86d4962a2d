"""A lead's score at any past instant, worked out again from what was kept."""

from datetime import datetime
from typing import Any

from leads.facts.registry import MOST_TOUCHES
from leads.models import Lead, LeadEvent, Touchpoint
from qualification.models import Score
from qualification.scoring import MOST_EVENTS, Result, Signal, score
from qualification.services.score import compiled


def score_as_of(lead: Lead, at: datetime) -> Result | None:
    """Fit, engagement, grade and reasons as they were at ``at``; None before the first score.

    Facts and model are those of the last score before it, touches and events those that had been until then: between
    two scores nothing changes but that engagement fades, or a touch comes. What came in later with an earlier time
    (a touch brought in with a list) counts as if it had been known.
    """
    row = Score.objects.filter(lead=lead, at__lte=at).select_related("model").order_by("-at", "-pk").first()
    return _judged(row, at) if row is not None else None


def reasons_of(row: Score) -> list[dict[str, Any]]:
    """Every point of a score with what gave it. One given to many at once keeps none; they are worked out again."""
    kept: list[dict[str, Any]] = row.reasons
    return kept if row.changed is None else _judged(row, row.at).reasons


def _judged(row: Score, at: datetime) -> Result:
    model, lead = compiled(row.model), row.lead_id
    touches = (
        Touchpoint.objects.filter(lead=lead, at__lte=at).order_by("-at", "-pk").values_list("kind", "at", "subject")
    )
    events = LeadEvent.objects.filter(lead=lead, at__lte=at, kind__in=model.event_kinds).order_by("-at")
    return score(
        row.all_facts,
        [Signal(*touch) for touch in touches[:MOST_TOUCHES]],
        [Signal(*event) for event in events.values_list("kind", "at")[:MOST_EVENTS]] if model.event_kinds else [],
        model,
        at,
    )
