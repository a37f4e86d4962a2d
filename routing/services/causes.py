"""Why a promise broke: where the time went that it lacked."""

from datetime import datetime

from leads.models import Lead
from routing.models import Assignment, SlaClock, WaitingLead
from routing.services.plan import NOBODY_FREE, NOBODY_PRESENT, TO_CLAIM

Cause = SlaClock.Cause
BY_REASON = {NOBODY_PRESENT: Cause.NO_SHIFT, NOBODY_FREE: Cause.CAPS, TO_CLAIM: Cause.QUEUE}


def cause_of(clock: SlaClock, lead: Lead) -> str:
    """The cause of a promise that ran out at ``clock.due_at``.

    Nobody had it then: why it waited. Somebody had it: whether more than half of the time was gone by then, else
    whether they had acknowledged it.
    """
    due = clock.due_at
    owner = Assignment.objects.filter(lead=lead, starts_at__lt=due).exclude(ends_at__lte=due).order_by("-starts_at")
    current = owner.first()
    if current is None:
        return _waiting_cause(lead, due)
    first = Assignment.objects.filter(lead=lead, starts_at__gte=clock.started_at).order_by("starts_at").first()
    owned_at = first.starts_at if first else current.starts_at
    if owned_at - clock.started_at > (due - clock.started_at) / 2:
        # What kept it from being given explains more than that it was.
        waited = _waiting_cause(lead, owned_at)
        return waited if waited != Cause.UNOWNED else Cause.LATE_OWNED
    return Cause.IDLE if current.accepted_at and current.accepted_at < due else Cause.UNSEEN


def _waiting_cause(lead: Lead, at: datetime) -> str:
    wait = WaitingLead.objects.filter(lead=lead, since__lte=at).order_by("-since").first()
    return BY_REASON.get(wait.reason, Cause.UNOWNED) if wait else Cause.UNOWNED
