"""Who may be written to, taking a mail back, and ending our mails by one click."""

from collections.abc import Iterable
from datetime import datetime

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.events import record_event
from leads.models import Consent, Contact, Lead
from leads.services.storing import insert_values
from qualification.models import Activity, CadenceEnrolment, MailStop, OutgoingMail
from qualification.services.cadences import end_for

SALT = "qualification.mail"
WORDING = "List-Unsubscribe"
BY = "link"


class MayNotWrite(DomainError):
    """This person must not, or cannot, be written to."""

    code = "may_not_write"


def check_may_write(contact: Contact) -> None:
    """Raises MayNotWrite with the reason, if there is one."""
    if not contact.email:
        raise MayNotWrite(_("There is no e-mail address."))
    stop = MailStop.objects.filter(email_key=contact.email_key or contact.email.casefold()).first()
    if stop is not None:
        if stop.reason == MailStop.Reason.BOUNCE:
            raise MayNotWrite(_("Mails to this address came back: it does not exist. Correct the address first."))
        raise MayNotWrite(_("The last mail was marked as spam. Do not write to this address again."))
    if is_refused(contact.pk):
        raise MayNotWrite(_("They do not want e-mails. Call instead, or ask them on another way."))


def is_refused(contact_id: int) -> bool:
    """Whether the newest statement about e-mail is a no."""
    newest = Consent.objects.filter(contact=contact_id, purpose=Consent.Purpose.EMAIL).order_by("-at", "-pk").first()
    return newest is not None and not newest.granted


def stop_token(contact_id: int) -> str:
    """The secret in the link that ends our mails to somebody."""
    return signing.dumps(contact_id, salt=SALT)


def contact_of(token: str) -> Contact | None:
    """The person behind a link; None for one that is not ours. Merged people are who they were merged into."""
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    found = Contact.objects.filter(pk=pk).first()
    while found is not None and found.merged_into_id:
        found = Contact.objects.filter(pk=found.merged_into_id).first()
    return found


def stop_mails(contact: Contact, at: datetime) -> bool:
    """They want no more mails; False where that was known. Mails that still wait are not sent: sending looks again."""
    return bool(note_refusal(contact, [Consent.Purpose.EMAIL], at=at, wording=WORDING, version="RFC 8058", by=BY))


def refused_purposes(contact_ids: Iterable[int]) -> dict[int, set[str]]:
    """What each of these people has said no to last, by contact; who has said none is not in it."""
    found: dict[int, set[str]] = {}
    newest = Consent.objects.filter(contact__in=list(contact_ids)).order_by("contact", "purpose", "-at", "-pk")
    for one in newest.distinct("contact", "purpose"):
        if not one.granted:
            found.setdefault(one.contact_id, set()).add(one.purpose)
    return found


def note_refusal(
    contact: Contact, purposes: Iterable[str], *, at: datetime, wording: str, version: str, by: str
) -> list[str]:
    """Somebody wants no more of these. Returns what was not known yet; a cadence that would write ends."""
    with transaction.atomic():
        Contact.objects.select_for_update().get(pk=contact.pk)
        news = sorted(set(purposes) - refused_purposes([contact.pk]).get(contact.pk, set()))
        if not news:
            return []
        said = {"contact_id": contact.pk, "granted": False, "at": at, "text": wording, "version": version[:40]}
        insert_values(Consent, [said | {"purpose": purpose, "capture_id": None} for purpose in news])
        lead = Lead.objects.filter(contact=contact).order_by("-captured_at", "-pk").first()
        if lead is not None:
            record_event(lead, "consent.withdrawn", at=at, by=by, data={"purposes": news})
            if Consent.Purpose.EMAIL in news:
                end_for(lead, CadenceEnrolment.End.OPTED_OUT, at)
    return news


def cancel_mail(activity: Activity) -> bool:
    """Take a mail back that is not out yet, in the caller's transaction; False where it is too late. An activity
    without a mail can always be taken back."""
    mail = OutgoingMail.objects.select_for_update().filter(activity=activity).first()
    if mail is None or mail.status in (OutgoingMail.Status.CANCELLED, OutgoingMail.Status.FAILED):
        return True
    if mail.status != OutgoingMail.Status.WAITING:
        return False
    mail.status, mail.next_try_at = OutgoingMail.Status.CANCELLED, None
    mail.save(update_fields=["status", "next_try_at"])
    return True
