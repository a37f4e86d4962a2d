"""Several people of one company, one deal: which open deals there are, and those who joined one follow it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from crmsync.models import AccountDeal, Handoff, Joined, Link, Opportunity
from crmsync.services.accounts import open_deals_of
from crmsync.services.outbox import record_change
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause, StageConflict
from leads.models import Lead, LeadEvent, Organisation, Reason, Stage, User
from leads.models.organisation import Joining
from qualification.services.recycle import day_after, wake_time
from routing.services.notify import tell

JOINED = "opportunity.joined"
# What the AE reads of somebody who joins: how they came and what they allow.
TOLD = ("history", "consent")
MOST = 5


@dataclass(frozen=True)
class OpenDeal:
    """A deal that somebody works on at a lead's company: ours, or one that only the CRM knows."""

    name: str
    amount: Decimal | None
    currency: str
    owner: str
    opportunity: Opportunity | None = None
    deal: AccountDeal | None = None

    @property
    def key(self) -> str:
        """How a form names it."""
        return f"crm:{self.deal.pk}" if self.deal else f"ours:{self.opportunity.pk if self.opportunity else 0}"


def policy() -> str:
    """What is to become of an SQL whose company has an open deal (`Joining`)."""
    return Organisation.objects.values_list("joins_deals", flat=True).first() or Joining.ASK


def open_deals(lead: Lead) -> list[OpenDeal]:
    """The open deals of the lead's company that are not its own, newest of ours first."""
    company = lead.contact.company_id
    if company is None:
        return []
    ours = Opportunity.objects.filter(stage=Opportunity.Stage.OPEN, is_history=False, lead__contact__company=company)
    found = [
        OpenDeal(one.name, one.amount, one.currency, str(one.owner or ""), opportunity=one)
        for one in ours.exclude(lead=lead).select_related("owner").order_by("-created_at")[:MOST]
    ]
    theirs = list(open_deals_of([company]).order_by("pk")[:MOST])
    if not theirs:
        return found
    people = {user.email.lower(): user for user in User.objects.filter(email__in=[one.owner_email for one in theirs])}
    currency = Organisation.objects.values_list("currency", flat=True).first() or "EUR"
    return found + [
        OpenDeal(one.name, one.amount, currency, str(people.get(one.owner_email, one.owner_email)), deal=one)
        for one in theirs
    ]


def join_ours(lead: Lead, opportunity_id: int, *, by: User | None, label: str, at: datetime) -> Opportunity | None:
    """Put a locked SQL into an open opportunity of ours; None where that is over by now. In a transaction."""
    opportunity = Opportunity.objects.select_for_update().get(pk=opportunity_id)
    if opportunity.stage != Opportunity.Stage.OPEN:
        return None
    Joined.objects.create(opportunity=opportunity, lead=lead, sdr=lead.owner or by, joined_at=at)
    Link.objects.filter(opportunity=opportunity).update(is_associated=False)
    record_change(opportunity, TOLD, at=at)
    tell_of_joining(lead, opportunity, by, label, at)
    return opportunity


def tell_of_joining(lead: Lead, opportunity: Opportunity, by: User | None, label: str, at: datetime) -> None:
    """A locked lead is in a deal that was there before: its stage, its history, and a word to who works on it."""
    lead.ae = opportunity.owner
    lead.save(update_fields=["ae"])
    told = {"opportunity": str(opportunity.uuid), "name": opportunity.name, "ae_name": str(opportunity.owner or "")}
    record_event(lead, JOINED, at=at, actor=by, by=label, data=told)
    lifecycle.to_opportunity(
        lead, Cause(actor=by, by=label, at=at, data={"opportunity": str(opportunity.uuid), "joined": True})
    )
    if opportunity.owner is not None:
        context = {"opportunity": opportunity.pk}
        tell(opportunity.owner, JOINED, f"joined:{opportunity.pk}:{lead.pk}", lead, context=context, at=at)


def follow_joined(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: what became of the deal becomes of those who joined it. Locks them after the deal's own lead."""
    key = event.data.get("opportunity")
    opportunity = Opportunity.objects.filter(uuid=str(key)).first() if key else None
    if opportunity is None:
        handoff = Handoff.objects.filter(pk=event.data.get("handoff")).select_related("opportunity").first()
        opportunity = handoff.opportunity if handoff else None
    if opportunity is None:
        return
    follow = _follower(opportunity, event.at)
    rows = Joined.objects.filter(opportunity=opportunity)
    rows = rows.exclude(left_at=None) if opportunity.stage == Opportunity.Stage.OPEN else rows.filter(left_at=None)
    for row in rows.order_by("lead"):
        # A lead that went its own way meanwhile keeps it.
        with suppress(StageConflict, IntegrityError), transaction.atomic():
            follow(row, Lead.objects.lock().get(pk=row.lead_id))


def _follower(opportunity: Opportunity, at: datetime) -> Callable[[Joined, Lead], None]:
    data = {"opportunity": str(opportunity.uuid), "joined": True}
    cause = Cause(by="joined deal", at=at, data=data)
    refused = Handoff.objects.filter(opportunity=opportunity, status=Handoff.Status.REFUSED).order_by("-pk").first()
    reason = refused.reason if refused else opportunity.loss_reason

    def follow(row: Joined, lead: Lead) -> None:
        if opportunity.stage == Opportunity.Stage.OPEN:
            _again(row, lead, cause)
            return
        Joined.objects.filter(pk=row.pk).update(left_at=at)
        if lead.stage != Stage.OPPORTUNITY:
            return
        if opportunity.stage == Opportunity.Stage.WON:
            lifecycle.to_won(lead.pk, cause)
        elif reason is not None:
            _close(lead, cause, reason, refused.note if refused else opportunity.loss_text)

    return follow


def _again(row: Joined, lead: Lead, cause: Cause) -> None:
    """The deal is open again: whoever the deal's end had closed comes back with it."""
    if lead.stage_at != row.left_at:
        return
    lifecycle.opportunity_again(lead, cause)
    Joined.objects.filter(pk=row.pk).update(left_at=None)


def _close(lead: Lead, cause: Cause, reason: Reason, note: str) -> None:
    if reason.is_sending_back:
        lifecycle.send_back(lead, cause, reason=reason, note=note)
    else:
        lifecycle.to_recycled(lead.pk, cause, reason=reason, wake_at=wake_time(day_after(reason, cause.at)), note=note)
