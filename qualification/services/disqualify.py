"""Disqualifying: nothing for us."""

from datetime import datetime

from leadmgmt.core.now import now
from leads import lifecycle
from leads.lifecycle import Cause
from leads.models import Lead, Reason, User
from qualification.services.reasons import chosen_reason


def disqualify_lead(
    lead_id: int, reason_code: str, by: User | None, note: str = "", at: datetime | None = None
) -> Lead:
    """Close a lead for a governed reason. Raises InvalidInput naming the field, StageConflict where it is too late."""
    reason = chosen_reason(Reason.Kind.DISQUALIFY, reason_code, note)
    cause = Cause(actor=by, by="" if by else "qualification", at=at or now())
    return lifecycle.to_disqualified(lead_id, cause, reason=reason, note=note.strip())
