"""Recycled leads: asleep until their date, and back."""

from datetime import datetime

from django.db import IntegrityError, transaction

from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause
from leads.models import Lead, LeadEvent, Stage
from qualification.models import NurtureEnrolment
from qualification.services.nurture_programmes import choose_programme

BY = "nurture"
AT_ONCE = 200


def begin_nurture(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: a recycled lead goes to sleep. One that has stirred again meanwhile does not."""
    if lead.stage != Stage.RECYCLED or lead.reason_id is None:
        return
    enrolment, is_new = NurtureEnrolment.objects.update_or_create(
        lead=lead,
        ended_at=None,
        defaults={"reason_id": lead.reason_id, "wake_at": lead.wake_at},
        create_defaults={"reason_id": lead.reason_id, "starts_at": event.at, "wake_at": lead.wake_at},
    )
    if is_new:
        choose_programme(enrolment, lead)


def end_nurture(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: the lead is awake, by its date, by itself or by a person. Safe where it did not sleep."""
    if event.data.get("from") == Stage.NEW:
        return  # It was awake already.
    end = NurtureEnrolment.End.RETURNED
    if event.actor_id is not None:
        end = NurtureEnrolment.End.STOPPED
    elif event.actor_label == BY:
        end = NurtureEnrolment.End.WOKEN
    _end(lead.pk, end, event.at)


def _end(lead_id: int, end: str, at: datetime) -> None:
    NurtureEnrolment.objects.filter(lead=lead_id, ended_at__isnull=True).update(ended_at=at, end=end)


def wake_due(at: datetime) -> int:
    """Clock: recycled leads whose date has come are new again. Returns how many woke up."""
    due = Lead.objects.waking(at).order_by("wake_at").values_list("pk", flat=True)[:AT_ONCE]
    return sum(_wake(lead_id, at) for lead_id in due)


def _wake(lead_id: int, at: datetime) -> bool:
    try:
        with transaction.atomic():
            lead = Lead.objects.lock().get(pk=lead_id)
            if lead.stage != Stage.RECYCLED or lead.wake_at is None or lead.wake_at > at:
                return False
            if not _is_in_touch(lead):
                reason = lead.reason.code if lead.reason else ""
                record_event(lead, "lead.woken", at=at, by=BY, data={"reason": reason})
                lifecycle.reopen(lead_id, Cause(by=BY, at=at, data={"woken": True, "reason": reason}))
                return True
    except IntegrityError:
        # A touch opened another lead of this person in the same instant; it counts.
        pass
    _let_sleep(lead_id, at)
    return False


def _is_in_touch(lead: Lead) -> bool:
    return Lead.objects.open().filter(contact=lead.contact_id).exclude(pk=lead.pk).exists()


def _let_sleep(lead_id: int, at: datetime) -> None:
    """The person is back with another lead: nobody needs to wake this one."""
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.stage == Stage.RECYCLED:
            lead.wake_at = None
            lead.save(update_fields=["wake_at"])
            _end(lead_id, NurtureEnrolment.End.RETURNED, at)
