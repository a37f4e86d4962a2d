"""Whether the machine runs: workers, clock, what was given up."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmsync.models import InboxEvent, OutboxEntry
from leadmgmt.core import formats, queue
from leadmgmt.setup_steps import Check, admin, link
from leads.models import Capture, LeadEvent
from routing.models import Notification, SlaClock, WaitingLead

SLOW_QUEUE_SECONDS = 30
# The clock looks every second; what is due for longer was overlooked.
CLOCK_LATE = timedelta(minutes=2)


def health(at: datetime) -> list[Check]:
    """One line for each part that can stand still."""
    return [_workers(), _clock(at), _pipeline(), _captures(), _mails(), _waiting(), _outbox()]


def _workers() -> Check:
    state = queue.state()
    if state.oldest_seconds > SLOW_QUEUE_SECONDS:
        span = formats.span(state.oldest_seconds)
        note = _("Jobs that wait: %(n)d, the oldest for %(span)s") % {"n": state.waiting, "span": span}
        return Check("bad", _("Workers do not keep up, or none runs"), note)
    return Check("good", _("Workers"), _("Jobs that wait: %(n)d, nothing old") % {"n": state.waiting})


def _clock(at: datetime) -> Check:
    overlooked = SlaClock.objects.filter(
        stopped_at__isnull=True, breached_at__isnull=True, due_at__lt=at - CLOCK_LATE
    ).count()
    if overlooked:
        return Check(
            "bad", _("The clock stands still"), _("Promises that ran out unnoticed: %(n)d") % {"n": overlooked}
        )
    return Check("good", _("Clock"), _("no promise has run out unnoticed"))


def _pipeline() -> Check:
    parked = LeadEvent.objects.filter(parked_at__isnull=False).count()
    if parked:
        note = _("Steps given up: %(n)d") % {"n": parked}
        return Check("bad", _("Pipeline"), note, f"{admin('leads', 'leadevent')}?progress=parked", _("Look"))
    return Check("good", _("Pipeline"), _("no step was given up"))


def _captures() -> Check:
    failed = Capture.objects.filter(status=Capture.Status.FAILED).count()
    if failed:
        note = _("Submissions that could not be read: %(n)d. None is lost.") % {"n": failed}
        return Check("bad", _("Capture"), note, f"{admin('leads', 'capture')}?status__exact=failed", _("Look"))
    return Check("good", _("Capture"), _("every submission was read"))


def _mails() -> Check:
    failed = Notification.objects.filter(status=Notification.Status.FAILED).count()
    if failed:
        note = _("Mails given up: %(n)d") % {"n": failed}
        return Check("bad", _("Mail"), note, f"{admin('routing', 'notification')}?status__exact=failed", _("Look"))
    return Check("good", _("Mail"), _("no mail was given up"))


def _waiting() -> Check:
    waiting = WaitingLead.objects.filter(left_at__isnull=True).count()
    note = ngettext("%(n)d lead waits for a rep", "%(n)d leads wait for a rep", waiting) % {"n": waiting}
    return Check("warn" if waiting else "good", _("Waiting room"), note, link("routing:waiting_list"), _("Look"))


def _outbox() -> Check:
    dead = OutboxEntry.objects.filter(state=OutboxEntry.State.DEAD).count()
    unread = InboxEvent.objects.filter(state__in=[InboxEvent.State.DEAD, InboxEvent.State.WAITING]).count()
    told = [
        _("Changes refused: %(n)d") % {"n": dead} if dead else "",
        _("Changes in the CRM that could not be applied: %(n)d") % {"n": unread} if unread else "",
    ]
    if dead or unread:
        return Check("bad", _("CRM"), "; ".join(filter(None, told)), link("crmsync:health"), _("Look"))
    return Check("good", _("CRM"), _("no change was refused"))
