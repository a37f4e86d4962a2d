"""The AE's decision: accept or refuse with a reason. Whoever is second gets a sentence, and nothing changes."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils.timezone import get_default_timezone, localtime
from django.utils.translation import gettext as _

from crmsync.models import Handoff, Opportunity
from crmsync.services.outbox import STAGE, record_change
from crmsync.services.outcome import lost_reason
from crmsync.services.plan import CLOSING
from leadmgmt.core import formats
from leadmgmt.core.errors import DomainError, InvalidInput, NotPermitted
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MANAGER, has_role
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause
from leads.models import Lead, LeadEvent, Reason, User
from qualification.services.reasons import chosen_reason
from qualification.services.recycle import wake_time
from routing.models import Notification
from routing.services.assign import route_afresh
from routing.services.notify import tell

OFFERED, ACCEPTED, REFUSED, LATE = "handoff.offered", "handoff.accepted", "handoff.refused", "handoff.late"
AT_ONCE = 100
LATEST = timedelta(days=5 * 366)
REFUSED_LOSS = "handoff-refused"


class AlreadyDecided(DomainError):
    """Somebody was faster."""

    code = "already_decided"


def accept_handoff(handoff_id: int, *, by: User, at: datetime | None = None) -> Handoff:
    """Take the opportunity. Raises AlreadyDecided or NotPermitted, changing nothing."""
    at = at or now()
    with transaction.atomic():
        lead, handoff = _locked(handoff_id, by)
        handoff.status, handoff.decided_at = Handoff.Status.ACCEPTED, at
        handoff.save(update_fields=["status", "decided_at"])
        data = {"handoff": handoff.pk, "ae": handoff.ae_id, "ae_name": str(handoff.ae)}
        record_event(lead, ACCEPTED, at=at, actor=by, data=data)
        if handoff.sdr and handoff.sdr_id != by.pk:
            tell(handoff.sdr, ACCEPTED, f"handoff-accepted:{handoff.pk}", lead, context={"handoff": handoff.pk}, at=at)
    return handoff


def refuse_handoff(
    handoff_id: int,
    *,
    by: User,
    reason: str,
    note: str = "",
    wake_on: date | None = None,
    at: datetime | None = None,
) -> Handoff:
    """Give it back: the deal is withdrawn, in the CRM too, and the lead goes to its SDR or sleeps until ``wake_on``.

    ``reason`` is the code of a reason of kind `refuse`; without ``wake_on`` the reason says what becomes of the lead:
    after 0 days it is an MQL in its SDR's queue at once, after more it sleeps so long, without any until it stirs.
    Raises AlreadyDecided, NotPermitted or InvalidInput naming the field, changing nothing.
    """
    at = at or now()
    chosen = chosen_reason(Reason.Kind.REFUSE, reason, note)
    wake_day = _wake_day(chosen, wake_on, at)
    with transaction.atomic():
        lead, handoff = _locked(handoff_id, by)
        handoff.status, handoff.decided_at = Handoff.Status.REFUSED, at
        handoff.reason, handoff.note = chosen, note.strip()
        handoff.save(update_fields=["status", "decided_at", "reason", "note"])
        opportunity = handoff.opportunity
        opportunity.stage, opportunity.closed_at = Opportunity.Stage.LOST, at
        opportunity.loss_reason = lost_reason(REFUSED_LOSS)
        opportunity.save(update_fields=["stage", "closed_at", "loss_reason"])
        data = {"handoff": handoff.pk, "ae": handoff.ae_id, "ae_name": str(handoff.ae), "reason": chosen.code}
        record_event(lead, REFUSED, at=at, actor=by, data=data | {"note": handoff.note})
        record_change(opportunity, CLOSING, at=at, op=STAGE)
        cause = Cause(actor=by, at=at, data={"handoff": handoff.pk, "refused": True})
        if wake_on is None and chosen.is_sending_back:
            lead = lifecycle.send_back(lead, cause, reason=chosen, note=handoff.note)
            if not _has_its_sdr(lead):
                route_afresh(lead, at=at)
        else:
            lifecycle.to_recycled(lead.pk, cause, reason=chosen, wake_at=wake_time(wake_day), note=handoff.note)
    return handoff


def _has_its_sdr(lead: Lead) -> bool:
    return lead.owner is not None and lead.owner.is_active


def announce_handoff(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: the AE learns of the offer. A deal that the CRM opened again carries none."""
    handoff = Handoff.objects.filter(pk=event.data.get("handoff"), status=Handoff.Status.OFFERED).first()
    if handoff is not None:
        tell(handoff.ae, OFFERED, f"handoff:{handoff.pk}", lead, context={"handoff": handoff.pk})


def announce_refusal(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: the SDR learns that the handoff was refused, and why."""
    handoff = Handoff.objects.filter(pk=event.data.get("handoff"), status=Handoff.Status.REFUSED).first()
    if handoff is not None and handoff.sdr is not None:
        tell(handoff.sdr, REFUSED, f"handoff-refused:{handoff.pk}", lead, context={"handoff": handoff.pk})


def remind_late(at: datetime) -> int:
    """Clock: offers that nobody decided in time, told once more to AE and managers. Returns how many."""
    told = Notification.objects.filter(occasion=Concat(Value("handoff-late:"), Cast(OuterRef("pk"), CharField())))
    late = Handoff.objects.undecided().filter(~Exists(told), due_at__lte=at).select_related("ae", "opportunity__lead")
    found = list(late[:AT_ONCE])
    managers = list(User.objects.filter(is_active=True, groups__name=MANAGER)) if found else []
    for handoff in found:
        for person in {handoff.ae, *managers}:
            context = {"handoff": handoff.pk}
            tell(person, LATE, f"handoff-late:{handoff.pk}", handoff.opportunity.lead, context=context, at=at)
    return len(found)


def may_decide(handoff: Handoff, user: User) -> bool:
    """The AE it was offered to, or who stands in: a manager or an admin."""
    return handoff.ae_id == user.pk or has_role(user, MANAGER, ADMIN)


def _locked(handoff_id: int, by: User) -> tuple[Lead, Handoff]:
    """Lead, opportunity and handoff, locked in that order and still to be decided."""
    lead_id = Handoff.objects.values_list("opportunity__lead", flat=True).get(pk=handoff_id)
    lead = Lead.objects.lock().get(pk=lead_id)
    Opportunity.objects.select_for_update().get(handoffs=handoff_id)
    handoff = Handoff.objects.locked(handoff_id)
    if not may_decide(handoff, by):
        raise NotPermitted(_("This handoff is offered to %(ae)s.") % {"ae": handoff.ae})
    if handoff.status != Handoff.Status.OFFERED:
        when = formats.moment(handoff.decided_at or now())
        sentence = {
            Handoff.Status.ACCEPTED: _("This handoff was accepted already (%(when)s). Nothing was changed."),
            Handoff.Status.REFUSED: _("This handoff was refused already (%(when)s). Nothing was changed."),
        }.get(Handoff.Status(handoff.status), _("This handoff was withdrawn (%(when)s). Nothing was changed."))
        raise AlreadyDecided(sentence % {"when": when})
    return lead, handoff


def _wake_day(reason: Reason, wake_on: date | None, at: datetime) -> date | None:
    today = localtime(at, get_default_timezone()).date()
    if wake_on is None:
        return reason.wake_on(today)
    if not today < wake_on <= today + LATEST:
        remedy = _("Choose a day from tomorrow on, within five years.")
        raise InvalidInput(_("The lead cannot wake up on this day."), fields={"wake_on": remedy})
    return wake_on
