"""Opening a closed lead again because a person says so."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.permissions import SDR, has_role
from leads import lifecycle
from leads.models import Lead, Stage, User
from routing.services.assign import claim_lead
from routing.services.own import end_assignment


class NotReopened(DomainError):
    """This lead cannot be opened again."""

    code = "not_reopened"


def reopen_lead(lead_id: int, *, by: User, at: datetime | None = None) -> Lead:
    """Open a recycled or disqualified lead: an SDR who does so has it, otherwise the rules route it afresh.

    Safe to call twice. Raises NotReopened while the contact has another open lead, or if it was won.
    """
    at = at or now()
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.is_open:
            return lead
        if lead.stage not in (Stage.RECYCLED, Stage.DISQUALIFIED):
            raise NotReopened(_("A won lead stays won. A new interest of theirs begins a new lead."))
        if lead.contact.erased_at is not None:
            raise NotReopened(_("This person was erased on request. Nobody can be reached any more."))
        other = Lead.objects.open().filter(contact=lead.contact_id).exclude(pk=lead.pk).first()
        if other is not None:
            raise NotReopened(_("This person has another open lead already. Work that one."))
        lead = lifecycle.reopen(lead_id, lifecycle.Cause(actor=by, at=at))
        # Closed a moment ago, it may still be somebody's: the pipeline lets go of it in its own time.
        end_assignment(lead, at=at, reason="reopened")
        lead.owner, lead.owned_at = None, None
        lead.save(update_fields=["owner", "owned_at"])
        return claim_lead(lead_id, by=by, at=at) if has_role(by, SDR) else lead
