"""A rep acknowledges a lead."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.events import record_event
from leads.models import Lead, User
from routing.models import Assignment


class NotTheirs(DomainError):
    """Only the owner can do this."""

    code = "not_owner"


def accept_lead(lead_id: int, by: User, at: datetime) -> Assignment:
    """The owner has seen the lead and takes it on. Twice is the same as once."""
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        assignment = Assignment.objects.filter(lead=lead, ends_at__isnull=True, user=by).first()
        if assignment is None:
            raise NotTheirs(_("This lead is not yours by now."))
        if assignment.accepted_at is None:
            assignment.accepted_at = at
            assignment.save(update_fields=["accepted_at"])
            record_event(lead, "lead.accepted", at=at, actor=by, data={"assignment": assignment.pk})
        return assignment
