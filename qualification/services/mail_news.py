"""What becomes of a mail: told by the mail service, or seen by their answer."""

from datetime import datetime
from typing import Any

from django.db import transaction

from leads.events import record_event
from leads.models import Lead, LeadEvent, Touchpoint
from qualification.models import CadenceEnrolment, MailStop, OutgoingMail
from qualification.services.cadences import end_for
from qualification.services.mail_rules import stop_mails
from qualification.services.nurture_programmes import wake_by_click

Status = OutgoingMail.Status
# What services call it: the column that says when, and the event on the lead's timeline.
SEEN = {
    "delivered": ("delivered_at", ""),
    "opened": ("opened_at", ""),
    "clicked": ("clicked_at", "mail.clicked"),
    "bounced": ("bounced_at", "mail.bounced"),
    "rejected": ("bounced_at", "mail.bounced"),
    "failed": ("bounced_at", "mail.bounced"),
}
BY = "mail service"


def note_news(mail_id: int, kind: str, at: datetime, *, is_final: bool = True, detail: str = "") -> bool:
    """Take in what a service reports of a mail; the first time of each kind counts, so that a report that comes twice
    changes nothing. Returns whether something was new."""
    with transaction.atomic():
        mail = OutgoingMail.objects.select_related("lead__contact").filter(pk=mail_id).first()
        if mail is None:
            return False
        lead = Lead.objects.lock().get(pk=mail.lead_id)
        mail = OutgoingMail.objects.select_for_update(of=("self",)).select_related("lead__contact").get(pk=mail_id)
        if kind == "complained":
            return _stop(mail, MailStop.Reason.COMPLAINT, at, detail)
        if kind == "unsubscribed":
            return stop_mails(mail.lead.contact, at)
        column, event = SEEN.get(kind, ("", ""))
        # Bounces that may heal are the service's to repeat.
        if not column or getattr(mail, column) is not None or (column == "bounced_at" and not is_final):
            return False
        setattr(mail, column, at)
        mail.save(update_fields=[column])
        if column == "bounced_at":
            _stop(mail, MailStop.Reason.BOUNCE, at, detail)
            end_for(lead, CadenceEnrolment.End.BOUNCED, at)
        if event:
            record_event(lead, event, at=at, by=BY, data={"mail": mail.pk, "subject": mail.subject})
        if kind == "clicked" and mail.nurture_id is not None:
            wake_by_click(mail.nurture_id, lead, at)
    return True


def _stop(mail: OutgoingMail, reason: str, at: datetime, detail: str) -> bool:
    key = mail.lead.contact.email_key if mail.lead.contact.email == mail.to else mail.to.casefold()
    _row, is_new = MailStop.objects.get_or_create(
        email_key=key or mail.to.casefold(), defaults={"reason": reason, "at": at, "detail": detail[:400]}
    )
    return is_new


def note_reply(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: a mail of theirs after one of ours is its answer."""
    mails = OutgoingMail.objects.filter(lead=lead, status=Status.SENT, replied_at__isnull=True)
    newest = mails.order_by("-sent_at").first()
    if newest is None or newest.sent_at is None:
        return
    answers = Touchpoint.objects.filter(lead=lead, kind=Touchpoint.Kind.EMAIL, at__gte=newest.written_at)
    answer = answers.order_by("at").first()
    if answer is None:
        return
    newest.replied_at = answer.at
    newest.save(update_fields=["replied_at"])
    record_event(lead, "mail.replied", at=answer.at, data={"mail": newest.pk, "subject": newest.subject})


def take_in(event: Any) -> bool:
    """A report as django-anymail reads it, whatever the service."""
    told = str((event.metadata or {}).get("mail", ""))
    if not told.isdigit() or len(told) > 18:
        return False
    # A full mailbox or a greylist is not the end of an address.
    is_final = event.reject_reason in (None, "bounced", "invalid", "blocked", "spam", "unsubscribed", "other")
    return note_news(int(told), event.event_type, event.timestamp, is_final=is_final, detail=event.description or "")
