"""Giving leads by hand: to a rep, to oneself, back to the rules."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput, NotPermitted
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MANAGER, TEAM_LEAD, has_role
from leads.events import record_event
from leads.models import Lead, User
from routing.hours import calendars_by_number
from routing.models import Assignment, Certificate, PoolMember, Rep, SlaClock, WaitingLead
from routing.services.book import book_by_hand
from routing.services.own import end_assignment, give
from routing.services.plan import HANDED_BACK
from routing.services.promise import run_clock
from routing.services.route import route_now


class NotAssignable(DomainError):
    """Nobody can be given this lead now."""

    code = "not_assignable"


def assign_lead(lead_id: int, user: User, *, by: User, reason: str = "", at: datetime | None = None) -> Lead:
    """A person gives the lead to ``user``, with a note why. The pool's ledger is moved as if the rules had done it."""
    at = at or now()
    if not may_assign(by):
        raise NotPermitted(_("Only team leads and admins give leads to others."))
    return _hand_over(lead_id, user, by=by, kind=Assignment.Reason.PERSON, note=reason, at=at)


def claim_lead(lead_id: int, *, by: User, at: datetime | None = None) -> Lead:
    """A rep takes a lead that is nobody's; a lead that has an owner stays with them."""
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.owner_id == by.pk:
            return lead
        if lead.owner_id is not None:
            raise NotAssignable(_("%(owner)s has this lead already.") % {"owner": lead.owner})
        return take(lead, by, at=at or now(), passed_over=_passed_over(lead))


def take(lead: Lead, by: User, *, at: datetime, passed_over: int = 0) -> Lead:
    """Make a locked lead that is nobody's the rep's own; ``passed_over`` leads of its queue stood before it."""
    more = {"passed_over": passed_over} if passed_over else {}
    return _hand_over(lead.pk, by, by=by, kind=Assignment.Reason.CLAIM, note="", at=at, more=more)


def _passed_over(lead: Lead) -> int:
    """How many leads of the same queue have waited longer, or have less time left: picking is allowed, and measured."""
    wait = WaitingLead.objects.filter(lead=lead, left_at__isnull=True).first()
    if wait is None or wait.pool_id is None:
        return 0
    mine = SlaClock.objects.filter(lead=lead, stopped_at__isnull=True).values_list("due_at", flat=True).first()
    others = WaitingLead.objects.filter(pool=wait.pool_id, left_at__isnull=True).exclude(lead=lead)
    due = SlaClock.objects.filter(lead=OuterRef("lead"), stopped_at__isnull=True).values("due_at")[:1]
    if mine is None:
        return others.filter(since__lt=wait.since).count()
    return others.annotate(due_at=Subquery(due)).filter(due_at__lt=mine).count()


def pass_on(lead: Lead, user: User, *, kind: str, at: datetime, data: dict[str, Any] | None = None) -> None:
    """Give a locked lead to somebody without a turn being taken: standing in, and coming back."""
    giver = lead.owner
    certificate = lead.certificates.select_related("pool", "rule").first()
    give(lead, user, at=at, reason=kind, data=data)
    _go_on(lead, user, giver, certificate, at)


def hand_back(lead_id: int, *, by: User, reason: str, at: datetime | None = None) -> Lead:
    """The owner gives the lead up with a reason; the rules find somebody else, or it waits."""
    at = at or now()
    if not reason.strip():
        raise InvalidInput(_("Say why you give it back."), fields={"reason": _("Say why you give it back.")})
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.owner_id != by.pk and not may_assign(by):
            raise NotPermitted(_("This lead is not yours by now."))
        if not lead.is_working:
            raise NotAssignable(_("Only a lead that is still worked can be given back."))
        record_event(lead, "lead.handed_back", at=at, actor=by, data={"note": reason.strip()})
        route_afresh(lead, at=at)
        return lead


def route_afresh(lead: Lead, *, at: datetime) -> None:
    """Take a locked lead from its owner, if it has one; the rules find somebody else, or it waits."""
    end_assignment(lead, at=at, reason=HANDED_BACK)
    lead.owner, lead.owned_at = None, None
    lead.save(update_fields=["owner", "owned_at"])
    route_now(lead, at)


def may_assign(user: User) -> bool:
    """Whether this person may give leads to others."""
    return has_role(user, TEAM_LEAD, MANAGER, ADMIN)


def _hand_over(
    lead_id: int,
    user: User,
    *,
    by: User,
    kind: str,
    note: str,
    at: datetime,
    more: dict[str, Any] | None = None,
) -> Lead:
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if not lead.is_open:
            raise NotAssignable(_("This lead is closed; open it again first."))
        if not user.is_active:
            raise NotAssignable(_("%(user)s cannot sign in any more.") % {"user": user})
        if lead.owner_id == user.pk:
            return lead
        giver = lead.owner
        certificate = lead.certificates.select_related("pool", "rule").first()
        give(lead, user, at=at, reason=kind, by=by, data={"note": note, **(more or {})})
        if certificate is not None:
            book_by_hand(certificate, lead, giver=giver, taker=user, at=at)
        _go_on(lead, user, giver, certificate, at)
        return lead


def _go_on(lead: Lead, user: User, giver: User | None, certificate: Certificate | None, at: datetime) -> None:
    """The promise goes on under the new owner's hours; until now the giver's counted, or the pool's."""
    pool = certificate.pool_id if certificate else None
    reps = dict(Rep.objects.filter(user__in=filter(None, (user, giver))).values_list("user", "pk"))
    waited = PoolMember.objects.filter(pool=pool, left_at__isnull=True).values_list("rep", flat=True) if pool else []
    before = [reps[giver.pk]] if giver and giver.pk in reps else list(waited)
    hours = calendars_by_number({*before, *reps.values()}, at)
    run_clock(
        lead,
        policy_id=certificate.rule.sla_policy_id if certificate and certificate.rule else None,
        calendars=[hours[reps[user.pk]]] if user.pk in reps else [],
        at=at,
        owned=True,
        before=[hours[rep] for rep in before],
    )
