"""Mails to leads: written with their activity in one transaction, held back for a moment, sent by a job."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from leadmgmt.core.backoff import next_try
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.kept_words import worded
from leadmgmt.core.mail import is_permanent
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.events import record_event
from leads.models import Capture, Lead, Organisation, User
from qualification.mail_html import html_of
from qualification.mail_text import Filled, fill, gaps
from qualification.models import Activity, CadenceStep, MailTemplate, OutgoingMail
from qualification.services.activities import log_activity
from qualification.services.mail_clicks import counted_link, counts_clicks
from qualification.services.mail_rules import MayNotWrite, check_may_write, stop_token

log = logging.getLogger(__name__)

JOB = "qualification.tasks.send_mail"
Status = OutgoingMail.Status
# As long as whoever wrote it may still take it back.
HELD = timedelta(seconds=10)
MAX_ATTEMPTS = 6
LOST_AFTER = timedelta(minutes=2)
NUDGE_AGAIN = timedelta(minutes=1)
AT_ONCE = 200
LONGEST_SUBJECT, LONGEST_BODY = 200, 20_000


def goes_out() -> bool:
    """Whether mails really leave: a mail server or service is set."""
    return bool(settings.MAIL_GOES_OUT)


def values_for(lead: Lead, by: User) -> dict[str, str]:
    """What the variables stand for."""
    contact, organisation = lead.contact, Organisation.objects.first()
    return {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "company": contact.company.name if contact.company else "",
        "subject": lead.subject,
        "job_title": contact.job_title,
        "city": contact.city,
        "my_name": by.get_full_name(),
        "my_first_name": by.first_name,
        "my_email": by.email,
        "my_calendar": by.booking_url,
        "organisation": organisation.name if organisation else "",
    }


@dataclass(frozen=True)
class Begun:
    """A mail to begin from; ``missing`` names the variables of its text that are not known of the lead."""

    subject: str
    body: str
    missing: tuple[str, ...] = ()


def begun(lead: Lead, by: User, template: MailTemplate | None) -> Begun:
    """A mail to begin from: the template filled in, or an empty one that answers their last mail; under it the writer's
    signature."""
    if template is None:
        last = last_mail_of_theirs(lead)
        subject, body = Filled(last["subject"] if last else "", ()), Filled("", ())
    else:
        values = values_for(lead, by)
        subject, body = fill(template.subject, values), fill(template.body, values)
    signature = f"\n\n-- \n{by.mail_signature.strip()}" if by.mail_signature.strip() else ""
    missing = tuple(dict.fromkeys((*subject.missing, *body.missing)))
    return Begun(" ".join(subject.text.split())[:LONGEST_SUBJECT], body.text.rstrip() + signature, missing)


def last_mail_of_theirs(lead: Lead) -> dict[str, str] | None:
    """The id of the newest mail they wrote to us, and the subject of an answer to it."""
    mails = Capture.objects.filter(touchpoint__lead=lead, channel__kind="email")
    payload = mails.order_by("-touchpoint__at").values_list("payload", flat=True).first()
    if not isinstance(payload, Mapping) or not payload.get("message_id"):
        return None
    subject = " ".join(str(payload.get("subject") or "").split())
    is_answer = subject.casefold().startswith("re:")
    return {"message_id": str(payload["message_id"]), "subject": subject if is_answer else f"Re: {subject}"}


def write_mail(
    lead_id: int,
    *,
    by: User,
    subject: str,
    body: str,
    template: MailTemplate | None = None,
    step: CadenceStep | None = None,
    at: datetime | None = None,
) -> OutgoingMail:
    """Write to a lead. It goes out after ten seconds, unless the activity is taken back until then. ``step`` is that of
    the cadence that writes by itself.

    Raises InvalidInput for an empty or unfinished text, MayNotWrite where they must not be written to.
    """
    at = at or now()
    subject, body = " ".join(subject.split()), body.replace("\r\n", "\n").strip()
    _check(subject, body)
    with transaction.atomic():
        lead = Lead.objects.lock().select_related("contact").get(pk=lead_id)
        check_may_write(lead.contact)
        said = f"{subject}\n\n{body}"
        activity = log_activity(lead.pk, Activity.Kind.EMAIL, by=by, body=said, at=at, is_automatic=step is not None)
        answered = last_mail_of_theirs(lead)
        before = OutgoingMail.objects.filter(lead=lead, status=Status.SENT).order_by("-written_at").first()
        return OutgoingMail.objects.create(
            lead=lead,
            activity=activity,
            template=template,
            step=step,
            by=by,
            to=lead.contact.email,
            subject=subject,
            body=body,
            message_id=f"{uuid4().hex}@{host()}",
            in_reply_to=answered["message_id"] if answered else before.message_id if before else "",
            written_at=at,
            next_try_at=at + HELD,
        )


def _check(subject: str, body: str) -> None:
    fields = {}
    if not subject:
        fields["subject"] = _("Write a subject.")
    elif len(subject) > LONGEST_SUBJECT:
        fields["subject"] = _("At most 200 characters.")
    if not body:
        fields["body"] = _("Write something.")
    elif len(body) > LONGEST_BODY or "\0" in subject + body:
        fields["body"] = _("At most 20,000 characters of plain text.")
    if "{{" in subject + body or any(gap in subject + body for gap in gaps()):
        fields["body"] = _("A variable is left over: write what it stands for.")
    if fields:
        raise InvalidInput(_("The mail is not complete."), fields=fields)


def host() -> str:
    """The host in the ids of our mails."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"


def send_mail(mail_id: int) -> str:
    """Job: send one. Safe to run twice: who claims the row sends, everybody else goes home."""
    at = now()
    due = OutgoingMail.objects.filter(pk=mail_id, status=Status.WAITING, next_try_at__lte=at)
    if not due.update(status=Status.SENDING, claimed_at=at, attempts=F("attempts") + 1):
        return "nothing to send"
    mail = OutgoingMail.objects.select_related("lead__contact", "by").get(pk=mail_id)
    try:
        # They may have said no since it was written.
        check_may_write(mail.lead.contact)
        compose(mail).send()
    except Exception as error:
        return _record_failure(mail, error)
    sent = {"status": Status.SENT, "sent_at": now(), "error": "", "next_try_at": None}
    OutgoingMail.objects.filter(pk=mail_id, status=Status.SENDING).update(**sent)
    return "sent"


def compose(mail: OutgoingMail) -> EmailMultiAlternatives:
    """The message as text and as HTML: from whoever wrote it, in its thread, with a way to end our mails by one click
    (RFC 8058)."""
    name, ours = parseaddr(settings.DEFAULT_FROM_EMAIL)
    own = mail.by.email
    # Another domain than ours would be taken for a forgery: then their name stands before our address.
    sender = own if own.rpartition("@")[2] == ours.rpartition("@")[2] else ours
    link = settings.PUBLIC_URL + reverse("qualification:mail_stop", args=[stop_token(mail.lead.contact_id)])
    headers = {
        "Message-ID": f"<{mail.message_id}>",
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    if mail.in_reply_to:
        headers |= {"In-Reply-To": f"<{mail.in_reply_to}>", "References": f"<{mail.in_reply_to}>"}
    language = mail.lead.contact.language[:2]
    language = language if language in ("en", "de") else "en"
    with translation.override(language):
        ending = _("No more e-mails from us:")
    message = EmailMultiAlternatives(
        mail.subject,
        f"{mail.body}\n\n{ending} {link}\n",
        formataddr((mail.by.get_full_name() or name, sender)),
        [mail.to],
        reply_to=[own],
        headers=headers,
    )
    link_to = partial(counted_link, mail.pk) if counts_clicks() else str
    html = html_of(mail.body, language=language, ending=ending, stop_url=link, link_to=link_to)
    message.attach_alternative(html, "text/html")
    # A service tells by this which mail its reports are about.
    vars(message)["metadata"] = {"mail": str(mail.pk)}
    return message


def _record_failure(mail: OutgoingMail, error: Exception) -> str:
    is_final = mail.attempts >= MAX_ATTEMPTS or is_permanent(error)
    log.warning("mail %s failed: %s", mail.pk, type(error).__name__)
    said = str(error) if isinstance(error, MayNotWrite) else f"{type(error).__name__}: {error}"
    with transaction.atomic():
        changed = OutgoingMail.objects.filter(pk=mail.pk, status=Status.SENDING).update(
            status=Status.FAILED if is_final else Status.WAITING,
            error=said[:2000],
            claimed_at=None,
            next_try_at=None if is_final else next_try(mail.attempts, at=now(), base=5.0),
        )
        if changed and is_final:
            record_event(Lead.objects.lock().get(pk=mail.lead_id), "mail.failed", at=now(), data={"mail": mail.pk})
    return "failed" if is_final else "will be tried again"


def mails_due(at: datetime) -> int:
    """Clock: have those sent whose time has come. Of one whose sender died nobody knows whether it went out: it is put
    aside for a person to decide, as a mail that comes twice is worse than one that is asked about."""
    lost = OutgoingMail.objects.filter(status=Status.SENDING, claimed_at__lte=at - LOST_AFTER)
    gone = lost.update(status=Status.UNSURE, next_try_at=None, error=worded("The sender died: it may have gone out."))
    quiet = OutgoingMail.objects.filter(status=Status.WAITING, next_try_at__lte=at)
    quiet = quiet.exclude(claimed_at__gt=at - NUDGE_AGAIN)
    due = list(quiet.order_by("next_try_at").values_list("pk", flat=True)[:AT_ONCE])
    # While it waits, the time of claiming says when it was nudged last.
    OutgoingMail.objects.filter(pk__in=due, status=Status.WAITING).update(claimed_at=at)
    for pk in due:
        enqueue(JOB, pk)
    return gone + len(due)


def send_again(mail_ids: list[int], at: datetime) -> int:
    """An admin's decision to send what failed, or what may not have gone out, again. Returns how many."""
    failed = OutgoingMail.objects.filter(pk__in=mail_ids, status__in=[Status.FAILED, Status.UNSURE])
    return failed.update(status=Status.WAITING, attempts=0, next_try_at=at, claimed_at=None, error="")
