"""The clock's part of nurture: mails whose day has come, and colleagues who bring a sleeping lead back."""

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef

from leadmgmt.core.clock import for_a_spell
from leads.events import record_event
from leads.models import Consent, Contact, Lead, Stage
from qualification.models import NurtureEnrolment, NurtureStep, OutgoingMail
from qualification.pace import in_window
from qualification.services.mail import begun, goes_out, host
from qualification.services.mail_rules import MayNotWrite, check_may_write
from qualification.services.nurture_programmes import wake
from routing.hours import holidays_around, known_zone

BY = "nurture"
BY_COLLEAGUE = "colleague"
AT_ONCE = 200


def nurture_due(at: datetime) -> int:
    """Clock: send what is due, and wake whose colleagues have come. Safe to run twice: each lead is looked at under its
    lock. Returns how many moved."""
    due = NurtureEnrolment.objects.filter(ended_at__isnull=True, next_at__lte=at, programme__is_active=True)
    ids = list(due.order_by("next_at").values_list("pk", flat=True)[:AT_ONCE])
    moved = sum(_look_at(pk, at) for pk in for_a_spell(ids))
    return moved + sum(_wake(pk, at) for pk in for_a_spell(_with_colleagues()))


def _with_colleagues() -> list[int]:
    """Sleeping leads of whose company somebody else has come since they went to sleep."""
    came = Lead.objects.open().filter(
        contact__company=OuterRef("lead__contact__company"), captured_at__gt=OuterRef("starts_at")
    )
    rows = NurtureEnrolment.objects.filter(
        Exists(came.exclude(contact=OuterRef("lead__contact"))),
        ended_at__isnull=True,
        programme__is_active=True,
        programme__company_wakes=True,
        lead__contact__company__isnull=False,
    )
    return list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def _wake(enrolment_id: int, at: datetime) -> bool:
    with transaction.atomic():
        enrolment, lead = _locked(enrolment_id)
        if enrolment.ended_at is not None or lead.stage != Stage.RECYCLED:
            return False
        return wake(lead, at, BY_COLLEAGUE)


def _locked(enrolment_id: int) -> tuple[NurtureEnrolment, Lead]:
    lead_id = NurtureEnrolment.objects.values_list("lead", flat=True).get(pk=enrolment_id)
    lead = Lead.objects.lock().select_related("contact__company").get(pk=lead_id)
    rows = NurtureEnrolment.objects.select_related("programme__sender", "step__template")
    return rows.get(pk=enrolment_id), lead


def _look_at(enrolment_id: int, at: datetime) -> bool:
    with transaction.atomic():
        enrolment, lead = _locked(enrolment_id)
        programme, step = enrolment.programme, enrolment.step
        is_due = enrolment.next_at is not None and enrolment.next_at <= at
        if enrolment.ended_at is not None or programme is None or step is None or not is_due:
            return False
        zone = ZoneInfo(known_zone(lead.contact.time_zone))
        window = (programme.window_from, programme.window_to)
        open_at = in_window(at, zone, window, holidays_around(lead.contact.country, at))
        if open_at > at or not goes_out():
            enrolment.next_at = open_at if open_at > at else at + timedelta(days=1)
            enrolment.save(update_fields=["next_at"])
            return False
        if _may_write(lead.contact, needs_consent=programme.needs_consent):
            _write(enrolment, step, lead, at)
        _go_on(enrolment, step, at)
    return True


def _may_write(contact: Contact, *, needs_consent: bool) -> bool:
    """Nobody who said no, and, where the programme asks for it, only who said yes."""
    try:
        check_may_write(contact)
    except MayNotWrite:
        return False
    if not needs_consent:
        return True
    newest = Consent.objects.filter(contact=contact, purpose=Consent.Purpose.EMAIL).order_by("-at", "-pk").first()
    return newest is not None and newest.granted


def _write(enrolment: NurtureEnrolment, step: NurtureStep, lead: Lead, at: datetime) -> None:
    """Queue the mail; one with a variable that is not known is left out: nobody reads it before it goes."""
    sender = enrolment.programme.sender if enrolment.programme else None
    if sender is None:
        return
    said = begun(lead, sender, step.template)
    if said.missing:
        return
    mail = OutgoingMail.objects.create(
        lead=lead,
        nurture=enrolment,
        template=step.template,
        by=sender,
        to=lead.contact.email,
        subject=said.subject,
        body=said.body,
        message_id=f"{uuid4().hex}@{host()}",
        written_at=at,
        next_try_at=at,
    )
    enrolment.sent += 1
    record_event(lead, "nurture.mail", at=at, by=BY, data={"mail": mail.pk, "subject": mail.subject})


def _go_on(enrolment: NurtureEnrolment, step: NurtureStep, at: datetime) -> None:
    following = NurtureStep.objects.filter(programme=step.programme_id, position__gt=step.position).first()
    enrolment.step = following
    enrolment.next_at = at + timedelta(days=following.after_days) if following else None
    enrolment.save(update_fields=["step", "next_at", "sent"])
