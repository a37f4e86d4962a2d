"""Putting a lead aside until later, and taking it up again."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leads.events import record_event
from leads.models import Lead, User

LONGEST = timedelta(days=365)


class NotWorking(DomainError):
    """Only a lead that somebody still works can be put aside."""

    code = "not_working"


def snooze_lead(lead_id: int, until: datetime, *, by: User, at: datetime | None = None) -> Lead:
    """Take the lead out of the way until then. The promise of a first touch runs on.

    Raises InvalidInput if ``until`` is past or more than a year ahead, NotWorking if the lead is closed.
    """
    at = at or now()
    if until <= at:
        raise InvalidInput(_("That time has passed already."), fields={"until": _("A time to come.")})
    if until - at > LONGEST:
        raise InvalidInput(_("Recycle it instead: that is more than a year away."), fields={"until": _("Too far.")})
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if not lead.is_working:
            raise NotWorking(_("This lead is closed by now; it cannot be put aside."))
        lead.snoozed_until = until
        lead.save(update_fields=["snoozed_until"])
        record_event(lead, "lead.snoozed", at=at, actor=by, data={"until": until.isoformat()})
    return lead


def resume_lead(lead_id: int, *, by: User, at: datetime | None = None) -> Lead:
    """Take it up again now. Safe to call twice."""
    at = at or now()
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.snoozed_until is None:
            return lead
        lead.snoozed_until = None
        lead.save(update_fields=["snoozed_until"])
        record_event(lead, "lead.resumed", at=at, actor=by)
    return lead
