"""The clock's part of cadences: mails that go out by themselves, and leads that never answered."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from leadmgmt.core.clock import for_a_spell
from leadmgmt.core.errors import DomainError
from leads.models import Lead
from leads.models.lead import WORKING_STAGES
from qualification.models import CadenceEnrolment, CadenceStep, OutgoingMail
from qualification.pace import due_after, in_window
from qualification.services.cadences import End, end_cadence, is_for, leave_out, move_on, where
from qualification.services.mail import begun, goes_out, write_mail
from qualification.services.mail_rules import MayNotWrite
from qualification.services.recycle import recycle_lead
from routing.hours import day_start
from routing.models import Absence

AT_ONCE = 200
# A person who is away is looked for again so much later.
LATER = timedelta(hours=1)


def cadences_due(at: datetime) -> int:
    """Clock: do what needs no person. Safe to run twice: each enrolment is looked at under its lead's lock. Returns how
    many moved."""
    due = CadenceEnrolment.objects.filter(ended_at__isnull=True, due_at__lte=at, by_hand="")
    by_itself = due.filter(Q(step__isnull=True) | Q(step__is_automatic=True) | Q(is_for_lead=False))
    ids = list(by_itself.order_by("due_at").values_list("pk", flat=True)[:AT_ONCE])
    return sum(_look_at(pk, at) for pk in for_a_spell(ids))


def _look_at(enrolment_id: int, at: datetime) -> bool:
    with transaction.atomic():
        lead_id = CadenceEnrolment.objects.values_list("lead", flat=True).get(pk=enrolment_id)
        lead = Lead.objects.lock().select_related("contact__company", "owner").get(pk=lead_id)
        rows = CadenceEnrolment.objects.select_related("cadence__recycle_reason", "step__template", "step__segment")
        enrolment = rows.get(pk=enrolment_id)
        if enrolment.ended_at is not None or enrolment.due_at > at or enrolment.by_hand:
            return False
        if lead.stage not in WORKING_STAGES:
            end_cadence(enrolment, lead, End.MOVED_ON, at)
            return True
        if lead.snoozed_until is not None and lead.snoozed_until > at:
            return _put_off(enrolment, lead.snoozed_until)
        if enrolment.step is None:
            return _give_up(enrolment, lead, at)
        if not enrolment.is_for_lead:
            if not is_for(enrolment.step, lead, at):
                leave_out(enrolment, lead, at)
                return True
            enrolment.is_for_lead = True
            enrolment.save(update_fields=["is_for_lead"])
        if enrolment.step.is_automatic:
            return _write(enrolment, enrolment.step, lead, at)
    return False


def _put_off(enrolment: CadenceEnrolment, until: datetime) -> bool:
    enrolment.due_at = until
    enrolment.save(update_fields=["due_at"])
    return False


def _give_up(enrolment: CadenceEnrolment, lead: Lead, at: datetime) -> bool:
    """All steps are done and nobody answered: recycled with a date, where the cadence says so."""
    end_cadence(enrolment, lead, End.NO_ANSWER, at)
    reason = enrolment.cadence.recycle_reason
    if reason is not None and reason.is_active:
        recycle_lead(lead.pk, reason.code, None, at=at)
    return True


def _write(enrolment: CadenceEnrolment, step: CadenceStep, lead: Lead, at: datetime) -> bool:
    """Send the step's mail in the owner's name; what cannot go by itself is left to the owner, with the reason."""
    zone, window, holidays = where(lead, enrolment.cadence, at)
    open_at = in_window(at, zone, window, holidays)
    if open_at > at:
        return _put_off(enrolment, open_at)
    owner = lead.owner
    if owner is None:
        return _put_off(enrolment, at + LATER)
    if Absence.objects.filter(rep__user=owner, starts_at__lte=at, ends_at__gt=at).exists():
        return _put_off(enrolment, at + LATER)
    today = day_start(at, owner.time_zone)
    written = OutgoingMail.objects.filter(by=owner, step__isnull=False, written_at__gte=today).count()
    if written >= enrolment.cadence.most_mails_a_day:
        return _put_off(enrolment, due_after(at.astimezone(zone).replace(hour=0, minute=0), 1, zone, window, holidays))
    template = step.template
    if template is None or not goes_out():
        return _by_hand(enrolment, "no mail server")
    said = begun(lead, owner, template)
    if said.missing:
        return _by_hand(enrolment, ", ".join(said.missing))
    try:
        with transaction.atomic():
            write_mail(lead.pk, by=owner, subject=said.subject, body=said.body, template=template, step=step, at=at)
    except MayNotWrite:
        # They want no mails: the other steps go on.
        move_on(enrolment, lead, at)
        enrolment.save()
    except DomainError as error:
        return _by_hand(enrolment, str(error))
    return True


def _by_hand(enrolment: CadenceEnrolment, why: str) -> bool:
    enrolment.by_hand = why[:300]
    enrolment.save(update_fields=["by_hand"])
    return True
