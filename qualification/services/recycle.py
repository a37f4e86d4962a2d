"""Recycling: not now, but later."""

from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils.timezone import get_default_timezone, localtime
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause, StageConflict
from leads.models import Lead, Reason, Stage, User
from leads.models.lead import WORKING_STAGES
from leads.services.storing import update_one
from qualification.services.reasons import chosen_reason

WAKES_AT = time(8, 0)
LATEST = timedelta(days=5 * 366)


def recycle_lead(
    lead_id: int,
    reason_code: str,
    by: User | None,
    wake_on: date | None = None,
    note: str = "",
    at: datetime | None = None,
) -> Lead:
    """Put a lead that is being worked to sleep until ``wake_on`` (default: as the reason says; none: until it stirs).

    Raises InvalidInput naming the field, StageConflict for a lead that is not being worked (a deal is lost in the CRM).
    """
    at = at or now()
    reason = chosen_reason(Reason.Kind.RECYCLE, reason_code, note)
    today = localtime(at, get_default_timezone()).date()
    if wake_on is not None and not today < wake_on <= today + LATEST:
        remedy = _("Choose a day from tomorrow on, within five years.")
        raise InvalidInput(_("The lead cannot wake up on this day."), fields={"wake_on": remedy})
    lead = Lead.objects.get(pk=lead_id)
    if lead.stage not in WORKING_STAGES:
        raise StageConflict(
            _("This lead is %(now)s; only new leads, MQLs and SQLs are recycled by hand.")
            % {"now": Stage(lead.stage).label}
        )
    return lifecycle.to_recycled(
        lead_id,
        Cause(actor=by, by="" if by else "qualification", at=at),
        reason=reason,
        wake_at=wake_time(wake_on or reason.wake_on(today)),
        note=note.strip(),
        only_from=lead.stage,
    )


def wake_on_day(lead_id: int, day: date, *, by: User, at: datetime | None = None) -> Lead:
    """Give a recycled lead another day to wake up on. Raises InvalidInput for the day, StageConflict if it is awake."""
    at = at or now()
    today = localtime(at, get_default_timezone()).date()
    if not today < day <= today + LATEST:
        remedy = _("Choose a day from tomorrow on, within five years.")
        raise InvalidInput(_("The lead cannot wake up on this day."), fields={"wake_on": remedy})
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.stage != Stage.RECYCLED:
            raise StageConflict(_("This lead is %(now)s by now.") % {"now": Stage(lead.stage).label})
        lead.wake_at = wake_time(day)
        update_one(lead, ("wake_at",))
        record_event(lead, "lead.wake_set", at=at, actor=by, data={"wake_at": day.isoformat()})
    return lead


def day_after(reason: Reason, at: datetime) -> date | None:
    """The day on which a lead recycled at this moment for this reason wakes up."""
    return reason.wake_on(localtime(at, get_default_timezone()).date())


def wake_time(day: date | None) -> datetime | None:
    """When on that day a lead wakes up: at the start of the working day here."""
    return datetime.combine(day, WAKES_AT, tzinfo=get_default_timezone()) if day else None
