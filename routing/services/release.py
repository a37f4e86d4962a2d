"""Letting go of a lead that is won, recycled or disqualified."""

from leads.models import Lead, LeadEvent, Stage
from routing.services.attempts import stop_attempts
from routing.services.own import end_assignment, leave_waiting
from routing.services.promise import stop_clock


def release_lead(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: end the assignment, the waiting and the promise that had begun by then.

    A won lead keeps its owner, who won it. Any other is nobody's, so that it is routed afresh when it stirs again; the
    team stays, so that its people still see it. Whatever began after the event is left alone: the lead may be open
    again by the time this runs.
    """
    assignment = end_assignment(lead, at=event.at, reason=event.kind, begun_by=event.at)
    leave_waiting(lead, at=event.at, begun_by=event.at)
    stop_clock(lead, at=event.at, reason=event.kind, begun_by=event.at)
    if lead.captured_at <= event.at:
        stop_attempts(lead, event.at)
    has_gone = assignment is None or lead.owner_id == assignment.user_id
    if lead.stage in (Stage.RECYCLED, Stage.DISQUALIFIED) and lead.owner_id and has_gone:
        lead.owner, lead.owned_at = None, None
        lead.save(update_fields=["owner", "owned_at"])
