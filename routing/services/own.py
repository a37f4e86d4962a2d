"""Giving a lead to somebody and taking it away: the only place where `Lead.owner` and assignments change."""

from datetime import datetime
from typing import Any

from leads.events import record_event
from leads.models import Lead, User
from leads.services.storing import insert_many, update_one
from routing.models import Assignment, Certificate, WaitingLead


def give(
    lead: Lead,
    user: User,
    *,
    at: datetime,
    reason: str,
    by: User | None = None,
    certificate: Certificate | None = None,
    team_id: int | None = None,
    is_first: bool = False,
    data: dict[str, Any] | None = None,
) -> Assignment:
    """Make ``user`` the owner. Needs the lead's lock; ends the assignment and the waiting that were.

    ``is_first`` says that the lead has neither, which spares two queries.
    """
    if not is_first:
        end_assignment(lead, at=at, reason="reassigned")
        leave_waiting(lead, at=at)
    assignment = Assignment(lead=lead, user=user, reason=reason, certificate=certificate, assigned_by=by, starts_at=at)
    insert_many([assignment])
    lead.owner, lead.owned_at = user, at
    lead.team_id = user.team_id or team_id or lead.team_id
    lead.routed_at = lead.routed_at or at
    update_one(lead, ("owner", "owned_at", "team", "routed_at"))
    record_event(
        lead,
        "lead.assigned",
        at=at,
        actor=by,
        by="routing",
        data={
            "user": user.pk,
            "owner_name": str(user),
            "assignment": assignment.pk,
            "reason": reason,
            "certificate": certificate.pk if certificate else None,
            **(data or {}),
        },
    )
    return assignment


def end_assignment(lead: Lead, *, at: datetime, reason: str, begun_by: datetime | None = None) -> Assignment | None:
    """End the open assignment (if it had begun by ``begun_by``); the lead's owner is the caller's matter."""
    open_ones = Assignment.objects.filter(lead=lead, ends_at__isnull=True)
    assignment = (open_ones.filter(starts_at__lte=begun_by) if begun_by else open_ones).first()
    if assignment is not None:
        assignment.ends_at, assignment.end_reason = max(at, assignment.starts_at), reason
        assignment.save(update_fields=["ends_at", "end_reason"])
    return assignment


def leave_waiting(lead: Lead, *, at: datetime, begun_by: datetime | None = None) -> bool:
    """Take the lead out of the waiting room (if it was there by ``begun_by``); whether it was."""
    waiting = WaitingLead.objects.filter(lead=lead, left_at__isnull=True)
    return bool((waiting.filter(since__lte=begun_by) if begun_by else waiting).update(left_at=at))
