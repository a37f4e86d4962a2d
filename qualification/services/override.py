"""Moving a lead on that does not meet the criteria: by somebody who may, with a reason that is kept."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput, NotPermitted
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, OVERRIDE_CRITERIA, TEAM_LEAD, has_role, is_granted
from leads import lifecycle
from leads.lifecycle import Cause, StageConflict
from leads.models import Lead, Stage, User

# From where a person can move a lead to which stages.
AHEAD = {Stage.NEW: (Stage.MQL, Stage.SQL), Stage.MQL: (Stage.SQL,)}


def may_override(user: User) -> bool:
    """Team leads and admins, and whoever has been given the permission."""
    return has_role(user, TEAM_LEAD, ADMIN) or is_granted(user, OVERRIDE_CRITERIA)


def stages_ahead(lead: Lead) -> list[Stage]:
    """The stages that a person can move the lead to."""
    return list(AHEAD.get(Stage(lead.stage), ()))


def move_on(lead_id: int, stage: str, *, by: User, reason: str, at: datetime | None = None) -> Lead:
    """Make a lead an MQL or an SQL though it does not meet the criteria; what follows an SQL follows as ever.

    Raises NotPermitted, InvalidInput for a stage or reason that is none, StageConflict where it has moved meanwhile.
    """
    if not may_override(by):
        raise NotPermitted(_("Only team leads and admins move a lead on that does not meet the criteria."))
    if not reason.strip():
        raise InvalidInput(_("Say why."), fields={"reason": _("Say why.")})
    if stage not in (Stage.MQL, Stage.SQL):
        raise InvalidInput(_("Choose MQL or SQL."), fields={"stage": _("Choose MQL or SQL.")})
    cause = Cause(actor=by, at=at or now(), data={"override": True, "note": reason.strip()[:500]})
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if Stage(stage) not in stages_ahead(lead):
            raise StageConflict(_("This lead is %(now)s by now.") % {"now": Stage(lead.stage).label})
        if lead.stage == Stage.NEW:
            lead = lifecycle.to_mql(lead_id, cause)
        if stage == Stage.SQL:
            lead = lifecycle.to_sql(lead_id, cause)
        return lead
