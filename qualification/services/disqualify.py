"""Disqualifying: nothing for us."""

from datetime import datetime

from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leads import lifecycle
from leads.lifecycle import Cause, StageConflict
from leads.models import Lead, Reason, User
from qualification.services.reasons import chosen_reason


def disqualify_lead(
    lead_id: int, reason_code: str, by: User | None, note: str = "", at: datetime | None = None
) -> Lead:
    """Close a lead for a governed reason. Raises InvalidInput naming the field, StageConflict where it is too late:
    also where somebody else has just closed it for a reason of theirs, which stays."""
    reason = chosen_reason(Reason.Kind.DISQUALIFY, reason_code, note)
    cause = Cause(actor=by, by="" if by else "qualification", at=at or now())
    lead = lifecycle.to_disqualified(lead_id, cause, reason=reason, note=note.strip())
    if by is not None and (lead.reason_id, lead.reason_note) != (reason.pk, note.strip()):
        theirs = lead.reason.label if lead.reason else ""
        raise StageConflict(_("Somebody has disqualified this lead already: %(reason)s.") % {"reason": theirs})
    return lead
