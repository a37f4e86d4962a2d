"""Double opt-in: a consent that counts only when its address has confirmed it, and can be withdrawn by the same link.

Asking is a row in the transaction of the capture; the e-mail goes out by its own job, claimed, sent and recorded.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from leadmgmt.core.backoff import next_try
from leadmgmt.core.kept_words import worded
from leadmgmt.core.mail import is_permanent
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue, enqueue_many
from leads.events import record_event
from leads.models import Consent, ConsentRequest, Lead, Organisation
from leads.services.interest import Touch
from leads.services.storing import insert_many, insert_values

log = logging.getLogger(__name__)

JOB = "leads.tasks.ask_confirmation"
SALT = "leads.consent"
BY = "link"
LANGUAGES = ("en", "de")
MAX_ATTEMPTS = 6
LOST_AFTER = timedelta(minutes=2)
FORGOTTEN_AFTER = timedelta(seconds=30)
NUDGE_AGAIN = timedelta(minutes=1)
# A form that somebody fills in with another's address over and over must not bury them.
MOST_A_DAY = 3
# Whoever finds the link later than this has to agree again.
GOOD_FOR = timedelta(days=30)

Status = ConsentRequest.Status


def ask_all(touches: Sequence[Touch], at: datetime) -> int:
    """Have confirmed what these touches agreed to, inside the caller's transaction; returns how many are asked."""
    rows = [row for touch in touches if (row := _request(touch, at)) is not None]
    insert_many(rows)
    enqueue_many(JOB, [row.pk for row in rows])
    return len(rows)


def _request(touch: Touch, at: datetime) -> ConsentRequest | None:
    found = touch.found
    said = [
        {"purpose": one.purpose, "text": one.text, "version": one.version} for one in found.statements if one.to_confirm
    ]
    email = found.email or touch.person.contact.email
    if not said or not email or touch.history:
        return None
    language = found.language[:2] if found.language[:2] in LANGUAGES else "en"
    return ConsentRequest(
        capture=touch.capture,
        contact=touch.person.contact,
        email=email,
        language=language,
        statements=said,
        asked_at=at,
    )


def link_of(request: ConsentRequest) -> str:
    """The address under which this request is confirmed and withdrawn; nobody can guess another's."""
    return settings.PUBLIC_URL + reverse("leads:consent", args=[signing.dumps(request.pk, salt=SALT)])


def request_of(token: str) -> ConsentRequest | None:
    """The request behind a link; None for one that is not ours."""
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return ConsentRequest.objects.select_related("contact").filter(pk=pk).first()


def send(request_id: int) -> str:
    """Send one e-mail (a job). Safe to run twice: who claims the row sends."""
    at = now()
    free = ConsentRequest.objects.filter(pk=request_id, status=Status.WAITING)
    due = free.filter(Q(next_try_at__isnull=True) | Q(next_try_at__lte=at))
    if not due.update(status=Status.SENDING, claimed_at=at, attempts=F("attempts") + 1):
        return "nothing to send"
    request = ConsentRequest.objects.get(pk=request_id)
    lately = ConsentRequest.objects.filter(email=request.email, sent_at__gt=at - timedelta(days=1))
    if lately.count() >= MOST_A_DAY:
        return _record(
            request, status=Status.FAILED, error=worded("The address was written to three times within a day.")
        )
    try:
        compose(request).send()
    except Exception as error:
        return _record_failure(request, error)
    return _record(request, status=Status.SENT, sent_at=now(), error="", next_try_at=None)


def _record(request: ConsentRequest, **fields: Any) -> str:
    ConsentRequest.objects.filter(pk=request.pk, status=Status.SENDING).update(**fields)
    return str(fields["status"])


def _record_failure(request: ConsentRequest, error: Exception) -> str:
    is_final = request.attempts >= MAX_ATTEMPTS or is_permanent(error)
    log.warning("confirmation %s failed: %s", request.pk, type(error).__name__)
    return _record(
        request,
        status=Status.FAILED if is_final else Status.WAITING,
        error=f"{type(error).__name__}: {error}"[:2000],
        claimed_at=None,
        next_try_at=None if is_final else next_try(request.attempts, at=now(), base=5.0),
    )


def compose(request: ConsentRequest) -> EmailMessage:
    """The message in the words of the form's language."""
    with translation.override(request.language):
        organisation = Organisation.objects.first()
        name = organisation.name if organisation else ""
        context = {"request": request, "organisation": name, "link": link_of(request)}
        text = render_to_string("leads/mail/consent.txt", context)
        subject = " ".join((_("Please confirm: may we write to you?") + (f" ({name})" if name else "")).split())
    # An answer of a machine to this one is not wanted.
    headers = {"Auto-Submitted": "auto-generated"}
    return EmailMessage(subject, text, to=[request.email], headers=headers)


def confirm(request_id: int) -> bool:
    """Make the statements count, from now on; False where they do already, or the link is too old."""
    at = now()
    with transaction.atomic():
        request = ConsentRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        if request.status == Status.CONFIRMED or is_too_old(request, at):
            return False
        request.status, request.confirmed_at, request.error = Status.CONFIRMED, at, ""
        request.save(update_fields=["status", "confirmed_at", "error"])
        _state(request, granted=True, at=at)
    return True


def withdraw(request_id: int) -> bool:
    """Take back what was agreed to; False where nothing of it is in force."""
    at = now()
    with transaction.atomic():
        request = ConsentRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        if not in_force(request):
            return False
        _state(request, granted=False, at=at)
    return True


def is_too_old(request: ConsentRequest, at: datetime) -> bool:
    """Whether the link has run out for confirming; withdrawing is possible for ever."""
    return at > request.asked_at + GOOD_FOR


def in_force(request: ConsentRequest) -> bool:
    """Whether any of its purposes is granted as things stand."""
    purposes = [one["purpose"] for one in request.statements]
    newest: dict[str, bool] = {}
    for one in Consent.objects.filter(contact=request.contact_id, purpose__in=purposes).order_by("at", "pk"):
        newest[one.purpose] = one.granted
    return any(newest.values())


def _state(request: ConsentRequest, *, granted: bool, at: datetime) -> None:
    rows = [
        {
            "contact_id": request.contact_id,
            "purpose": one["purpose"],
            "granted": granted,
            "text": one["text"],
            "version": one["version"],
            "capture_id": request.capture_id,
            "at": at,
        }
        for one in request.statements
    ]
    insert_values(Consent, rows)
    lead = Lead.objects.filter(contact=request.contact_id).order_by("-captured_at", "-pk").first()
    if lead is not None:
        purposes = [one["purpose"] for one in request.statements]
        kind = "consent.confirmed" if granted else "consent.withdrawn"
        record_event(lead, kind, at=at, by=BY, data={"purposes": purposes})


def send_waiting(at: datetime) -> int:
    """Clock: nudge e-mails whose next try has come, whose job was lost, or whose sender died. Returns how many."""
    lost = ConsentRequest.objects.filter(status=Status.SENDING, claimed_at__lte=at - LOST_AFTER)
    lost.filter(attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, error=worded("The worker was lost each time this was sent.")
    )
    lost.update(status=Status.WAITING, next_try_at=at, claimed_at=None)
    due = Q(next_try_at__lte=at) | Q(next_try_at__isnull=True, asked_at__lte=at - FORGOTTEN_AFTER)
    quiet = Q(claimed_at__isnull=True) | Q(claimed_at__lte=at - NUDGE_AGAIN)
    waiting = list(ConsentRequest.objects.filter(due, quiet, status=Status.WAITING).values_list("pk", flat=True)[:200])
    # While it waits, the time of claiming says when it was nudged last.
    ConsentRequest.objects.filter(pk__in=waiting, status=Status.WAITING).update(claimed_at=at)
    for pk in waiting:
        enqueue(JOB, pk)
    return len(waiting)


def retry_failed(request_ids: list[int]) -> int:
    """An admin's retry of given-up e-mails. Returns how many."""
    with transaction.atomic():
        failed = ConsentRequest.objects.filter(pk__in=request_ids, status=Status.FAILED)
        pks = list(failed.values_list("pk", flat=True))
        failed.update(status=Status.WAITING, attempts=0, next_try_at=None, error="")
        enqueue_many(JOB, pks)
    return len(pks)
