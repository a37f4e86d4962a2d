"""E-mails and messages to people of ours: claimed, sent with no transaction open, recorded."""

import logging
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import ngettext

from leadmgmt.core.backoff import next_try
from leadmgmt.core.errors import ConfigurationError, PermanentError, RetryableError
from leadmgmt.core.kept_words import worded
from leadmgmt.core.mail import is_permanent
from leadmgmt.core.now import now
from leadmgmt.core.queue import worked_off
from leadmgmt.core.tasks import enqueue, enqueue_many
from routing.hours import known_zone
from routing.models import Notification, SlaClock
from routing.notices import notice_of
from routing.services import messengers

log = logging.getLogger(__name__)

Status = Notification.Status
SENT_BY_JOB = (Notification.Way.EMAIL, Notification.Way.SLACK, Notification.Way.TEAMS)
MAX_ATTEMPTS = 6
LOST_AFTER = timedelta(minutes=2)
FORGOTTEN_AFTER = timedelta(seconds=20)
# A busy queue takes its time: nudging each second would bury it under jobs for the same e-mails.
NUDGE_AGAIN = timedelta(minutes=1)
AT_ONCE = 200


def deliver(notification_id: int) -> str:
    """Send one. Safe to run twice: who claims the row sends, everybody else goes home."""
    at = now()
    free = Notification.objects.filter(pk=notification_id, way__in=SENT_BY_JOB, status=Status.WAITING, is_digest=False)
    due = free.filter(Q(next_try_at__isnull=True) | Q(next_try_at__lte=at))
    if not due.update(status=Status.SENDING, claimed_at=at, attempts=F("attempts") + 1):
        return "nothing to send"
    related = ("user", "lead__contact__company", "lead__source", "lead__owner", "lead__campaign")
    notification = Notification.objects.select_related(*related).get(pk=notification_id)
    try:
        if notification.way == Notification.Way.EMAIL:
            compose(notification).send()
        else:
            messengers.send(notification)
    except Exception as error:
        return _record_failure(notification, error)
    sent = {"status": Status.SENT, "sent_at": now(), "error": "", "next_try_at": None}
    Notification.objects.filter(pk=notification_id, status=Status.SENDING).update(**sent)
    return "sent"


def compose(notification: Notification) -> EmailMultiAlternatives:
    """The message as its reader wants it: their language, their time zone.

    Its id is made from the row, so that a mail that went out twice after a crash shows once in most mail programs.
    """
    user, lead = notification.user, notification.lead
    with translation.override(user.language), timezone.override(known_zone(user.time_zone)):
        notice = notice_of(notification)
        touch = lead.touchpoints.order_by("-at", "-pk").first() if lead else None
        clock = SlaClock.objects.filter(lead=lead, stopped_at__isnull=True).first() if lead else None
        title = " ".join(notice.title(notification).split())
        context = {
            "notification": notification,
            "user": user,
            "lead": lead,
            "title": title,
            "line": notice.line(notification),
            "touch": touch,
            "clock": clock,
            "url": settings.PUBLIC_URL + notice.url(notification),
            "language": user.language,
        }
        text = render_to_string(f"{notice.mail}.txt", context)
        html = render_to_string(f"{notice.mail}.html", context)
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    message = EmailMultiAlternatives(title, text, to=[user.email])
    message.extra_headers["Message-ID"] = f"<notification-{notification.pk}@{host}>"
    message.attach_alternative(html, "text/html")
    return message


def _record_failure(notification: Notification, error: Exception) -> str:
    """Keep why it failed; try again later unless that is pointless or has been done often enough."""
    at = now()
    is_final = notification.attempts >= MAX_ATTEMPTS or _is_permanent(error)
    log.warning("%s %s failed: %s", notification.way, notification.pk, type(error).__name__)
    Notification.objects.filter(pk=notification.pk, status=Status.SENDING).update(
        status=Status.FAILED if is_final else Status.WAITING,
        error=f"{type(error).__name__}: {error}"[:2000],
        claimed_at=None,
        next_try_at=None if is_final else next_try(notification.attempts, at=at, base=5.0),
    )
    return "failed" if is_final else "will be tried again"


def _is_permanent(error: Exception) -> bool:
    """Whether the mail server has refused for good, or the fault is ours; a lost connection may heal."""
    if isinstance(error, PermanentError | ConfigurationError):
        return True
    return not isinstance(error, RetryableError) and is_permanent(error)


def send_waiting(at: datetime) -> int:
    """Clock: nudge those whose next try has come, whose job was lost, or whose sender died. Returns how many."""
    mails = Notification.objects.filter(way__in=SENT_BY_JOB, is_digest=False)
    # A digest, too, may have lost its sender; it is then due again.
    lost = Notification.objects.filter(way__in=SENT_BY_JOB, status=Status.SENDING, claimed_at__lte=at - LOST_AFTER)
    lost.filter(attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, error=worded("The worker was lost each time this was sent.")
    )
    lost.update(status=Status.WAITING, next_try_at=at, claimed_at=None)
    past = worked_off(at)
    due = Q(next_try_at__lte=past) | Q(next_try_at__isnull=True, created_at__lte=past - FORGOTTEN_AFTER)
    quiet = Q(claimed_at__isnull=True) | Q(claimed_at__lte=past - NUDGE_AGAIN)
    found = mails.filter(due, quiet, status=Status.WAITING).order_by("created_at")
    with transaction.atomic():
        waiting = list(found.values_list("pk", flat=True)[:AT_ONCE])
        enqueue_many("routing.tasks.deliver_notification", waiting)
        # The job just made gets its time before the next nudge.
        Notification.objects.filter(pk__in=waiting, status=Status.WAITING).update(claimed_at=at)
    return len(waiting)


def retry_failed(notification_ids: list[int]) -> int:
    """An admin's retry of what was given up. Returns how many."""
    failed = Notification.objects.filter(pk__in=notification_ids, way__in=SENT_BY_JOB, status=Status.FAILED)
    pks = list(failed.values_list("pk", flat=True))
    # Due now: what belongs into a digest goes out with the next one.
    failed.update(status=Status.WAITING, attempts=0, next_try_at=now(), error="")
    for pk in pks:
        enqueue("routing.tasks.deliver_notification", pk)
    return len(pks)


def send_digests(at: datetime) -> int:
    """Clock: one e-mail to each person whose digest is due, with all that waits for it. Returns how many."""
    due = Notification.objects.filter(is_digest=True, status=Status.WAITING, next_try_at__lte=at)
    users = list(due.order_by().values_list("user", flat=True).distinct()[:AT_ONCE])
    return sum(_send_digest(user_id, at) for user_id in users)


def _send_digest(user_id: int, at: datetime) -> bool:
    waiting = Notification.objects.filter(user=user_id, is_digest=True, status=Status.WAITING, next_try_at__lte=at)
    related = ("user", "lead__contact__company", "lead__source", "lead__owner")
    items = list(waiting.select_related(*related).order_by("created_at")[:AT_ONCE])
    claimed = Notification.objects.filter(pk__in=[one.pk for one in items], status=Status.WAITING)
    if not items or not claimed.update(status=Status.SENDING, claimed_at=at, attempts=F("attempts") + 1):
        return False
    sent = Notification.objects.filter(pk__in=[one.pk for one in items], status=Status.SENDING)
    try:
        digest_of(items).send()
    except Exception as error:
        for one in items:
            one.attempts += 1
            _record_failure(one, error)
        return False
    sent.update(status=Status.SENT, sent_at=now(), error="", next_try_at=None)
    return True


def digest_of(items: list[Notification]) -> EmailMultiAlternatives:
    """Several pieces of news for one person in one message."""
    user = items[0].user
    with translation.override(user.language), timezone.override(known_zone(user.time_zone)):
        lines = [(notice_of(one).title(one), notice_of(one).line(one), notice_of(one).url(one)) for one in items]
        context = {"lines": lines, "user": user, "base": settings.PUBLIC_URL}
        title = ngettext("%(count)d piece of news", "%(count)d pieces of news", len(items)) % {"count": len(items)}
        text = render_to_string("routing/mail/digest.txt", context)
    return EmailMultiAlternatives(title, text, to=[user.email])
