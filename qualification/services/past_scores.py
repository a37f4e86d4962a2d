"""A lead's score at any past instant, worked out again from what was kept."""

from datetime import datetime

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
    if row is None:
        return None
    model = compiled(row.model)
    touches = (
        Touchpoint.objects.filter(lead=lead, at__lte=at).order_by("-at", "-pk").values_list("kind", "at", "subject")
    )
    events = LeadEvent.objects.filter(lead=lead, at__lte=at, kind__in=model.event_kinds).order_by("-at")
    return score(
        row.all_facts,
        [Signal(*touch) for touch in touches],
        [Signal(*event) for event in events.values_list("kind", "at")[:MOST_EVENTS]] if model.event_kinds else [],
        model,
        at,
    )
