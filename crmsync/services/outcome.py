"""What a stage of the CRM means to the lead: won, lost, or open again. The lifecycle has the last word."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from crmsync.models import Handoff, LossReasonMap, Opportunity, StageMap
from crmsync.services.look import Look
from leadmgmt.core.kept_words import worded
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause, StageConflict
from leads.models import Company, Lead, Reason, Stage, User
from qualification.services.recycle import wake_time
from routing.services.notify import tell

Meaning = StageMap.Meaning
LONGEST = 255
UNKNOWN, OTHER = "unknown_from_crm", "other"
# Whoever lost a deal without saying why is asked for it: it teaches who is worth a call.
NO_REASON = "crm.no_reason"


def apply_stage(look: Look) -> None:
    """Follow the CRM's stage. One that is not mapped holds the record; a move the lifecycle forbids is a conflict."""
    remote = str(look.theirs.get("stage") or "")
    mapped = StageMap.objects.filter(connection=look.connection, remote=remote).first()
    if mapped is None:
        look.held = worded("The stage “%(stage)s” is not mapped.", stage=remote)
        return
    before = look.opportunity.stage
    try:
        with transaction.atomic():
            if mapped.meaning == Meaning.OPEN:
                _open(look, before, remote)
            elif mapped.meaning == Meaning.WON:
                _won(look, before, remote)
            else:
                _lost(look, before, remote)
    except StageConflict:
        look.opportunity.refresh_from_db()
        look.conflicts.append(("stage", look.lead.stage, remote, "lifecycle forbids"))


def _cause(look: Look, at: datetime, **data: object) -> Cause:
    return Cause(by=look.by, at=at, data={"opportunity": str(look.opportunity.uuid), **data})


def _open(look: Look, before: str, remote: str) -> None:
    opportunity = look.opportunity
    steps = [opportunity.remote_stage, remote]
    opportunity.remote_stage = remote
    if before == Opportunity.Stage.OPEN:
        opportunity.save(update_fields=["remote_stage"])
        if steps[0] != remote:
            data = {"opportunity": str(opportunity.uuid), "changes": {"stage": steps}}
            record_event(look.lead, "opportunity.changed", at=look.at, by=look.by, data=data)
        return
    _refuse_second(look)
    opportunity.stage, opportunity.closed_at = Opportunity.Stage.OPEN, None
    opportunity.loss_reason, opportunity.loss_text = None, ""
    opportunity.save()
    data = {"opportunity": str(opportunity.uuid), "from": before}
    record_event(look.lead, "opportunity.reopened", at=look.at, by=look.by, data=data)
    lifecycle.opportunity_again(look.lead.pk, _cause(look, look.at, reopened=True))


def _refuse_second(look: Look) -> None:
    """A person has one open lead, a lead one open deal: whoever came back meanwhile is in other hands already."""
    others = Lead.objects.open().filter(contact=look.lead.contact_id).exclude(pk=look.lead.pk)
    if others.exists() or _has_other_deal(look.opportunity):
        raise StageConflict(worded("Another interest of this person is open."))


def _has_other_deal(opportunity: Opportunity) -> bool:
    """Whether the lead came back after this deal and has another one by now, which decides where it stands."""
    own = Q(lead=opportunity.lead_id) | Q(joined__lead=opportunity.lead_id, joined__left_at=None)
    deals = Opportunity.objects.filter(own, stage=Opportunity.Stage.OPEN)
    return deals.exclude(pk=opportunity.pk).exists()


def _won(look: Look, before: str, remote: str) -> None:
    opportunity = look.opportunity
    opportunity.remote_stage = remote
    if before == Opportunity.Stage.WON:
        opportunity.save(update_fields=["remote_stage"])
        return
    if before != Opportunity.Stage.OPEN:
        _refuse_second(look)
    at = _closed_at(look)
    opportunity.stage, opportunity.closed_at = Opportunity.Stage.WON, at
    opportunity.loss_reason, opportunity.loss_text = None, ""
    opportunity.save()
    withdraw_offer(opportunity, at)
    amount = None if opportunity.amount is None else f"{opportunity.amount:.2f}"
    data = {"opportunity": str(opportunity.uuid), "amount": amount, "currency": opportunity.currency}
    record_event(look.lead, "opportunity.won", at=at, by=look.by, data=data)
    if look.lead.stage == Stage.RECYCLED or look.lead.is_sent_back:
        # Lost or refused first, then won after all: the lifecycle knows no shortcut.
        lifecycle.opportunity_again(look.lead.pk, _cause(look, at, reopened=True))
    lifecycle.to_won(look.lead.pk, _cause(look, at, amount=amount))
    Company.objects.filter(contacts__leads=look.lead.pk).update(is_customer=True)


def _lost(look: Look, before: str, remote: str) -> None:
    opportunity = look.opportunity
    opportunity.remote_stage = remote
    reason, text = _loss_reason(look)
    if before == Opportunity.Stage.LOST:
        opportunity.loss_reason, opportunity.loss_text = reason, text
        opportunity.save(update_fields=["remote_stage", "loss_reason", "loss_text"])
        return
    at = _closed_at(look)
    lose(opportunity, reason, text=text, at=at, label=look.by)
    if reason.code == UNKNOWN and opportunity.owner is not None:
        context = {"crm": look.connection.name}
        tell(opportunity.owner, NO_REASON, f"no-reason:{opportunity.pk}:{at.isoformat()}", look.lead, context=context)


def lose(
    opportunity: Opportunity, reason: Reason, *, at: datetime, text: str = "", by: User | None = None, label: str = ""
) -> None:
    """The deal is lost, by what a CRM says (``label``) or a person: its lead sleeps as the reason says.

    ``text``: the reason in the CRM's own words. Needs lead and opportunity locked.
    """
    lead = opportunity.lead
    opportunity.stage, opportunity.closed_at = Opportunity.Stage.LOST, at
    opportunity.loss_reason, opportunity.loss_text = reason, text
    opportunity.save()
    withdraw_offer(opportunity, at)
    named = {"opportunity": str(opportunity.uuid)}
    record_event(
        lead, "opportunity.lost", at=at, actor=by, by=label, data=named | {"reason": reason.code, "text": text}
    )
    if lead.stage in (Stage.OPPORTUNITY, Stage.WON) and not _has_other_deal(opportunity):
        wake_at = wake_time(reason.wake_on(at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()))
        cause = Cause(actor=by, by=label, at=at, data=named | {"lost": True})
        lifecycle.to_recycled(lead.pk, cause, reason=reason, wake_at=wake_at, note=text)


def _loss_reason(look: Look) -> tuple[Reason, str]:
    """Ours for the CRM's. Nothing said is `unknown_from_crm`, words that nobody mapped are `other` with the words."""
    text = str(look.theirs.get("lost_reason") or "")[:LONGEST]
    if not text:
        return lost_reason(UNKNOWN), ""
    mapped = LossReasonMap.objects.filter(connection=look.connection, remote__iexact=text).first()
    return (mapped.reason, text) if mapped else (lost_reason(OTHER), text)


def lost_reason(code: str) -> Reason:
    """One of the reasons that the sync itself needs; made where an admin has removed it."""
    defaults = {"label_en": code.replace("_", " ").capitalize(), "wake_after_days": 180}
    return Reason.objects.get_or_create(kind=Reason.Kind.LOST, code=code, defaults=defaults)[0]


def _closed_at(look: Look) -> datetime:
    """The CRM's close date where it lies in the past, otherwise when the record was changed."""
    zone = ZoneInfo(settings.TIME_ZONE)
    try:
        day = date.fromisoformat(str(look.theirs.get("close_on") or "")[:10])
    except ValueError:
        return look.at
    if day >= look.at.astimezone(zone).date():
        return look.at
    return max(datetime.combine(day, time(12), zone), look.opportunity.created_at)


def withdraw_offer(opportunity: Opportunity, at: datetime) -> None:
    """A deal that is over needs no decision of an AE any more."""
    Handoff.objects.filter(opportunity=opportunity, status=Handoff.Status.OFFERED).update(
        status=Handoff.Status.WITHDRAWN, decided_at=at
    )
