"""Routing: decide about a lead once, write down why, and give it to somebody or keep it waiting."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from leadmgmt.core.now import now
from leads.events import record_event
from leads.facts import lead_facts
from leads.lifecycle import Cause, to_disqualified
from leads.models import Lead, LeadEvent, Reason
from leads.services.storing import insert_many
from routing.certify import candidates_content, digest, draw_content, rules_content
from routing.decide import RuleView, first_match
from routing.models import Assignment, Certificate, WaitingLead
from routing.published import rules_for
from routing.replay.tiers import brief_of
from routing.services.book import book_distribution, take_back
from routing.services.keep import keep_waiting
from routing.services.own import end_assignment, give, leave_waiting
from routing.services.plan import OVERDUE, Plan, make_plan
from routing.services.promise import run_clock
from routing.snapshot import Standing

# How long after routing a value that came late may still correct the route.
CORRECT_WITHIN = timedelta(minutes=10)


def route_lead(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: route a scored lead, unless this interest has been routed already."""
    at = now()
    if not is_routable(lead):
        if lead.owner_id is not None:
            correct_route(lead, at)
        return
    wait = None
    if lead.routed_at is not None:
        wait = WaitingLead.objects.filter(lead=lead, left_at__isnull=True).first()
        if wait is None:
            return
    route_now(lead, at, wait)


def is_routable(lead: Lead) -> bool:
    """Whether the lead is alive, live and nobody's."""
    return lead.is_working and not lead.is_history and lead.owner_id is None


def route_now(lead: Lead, at: datetime, wait: WaitingLead | None = None) -> Plan:
    """Decide about a locked lead and carry it out; ``wait`` is its place in the waiting room."""
    plan = make_plan(lead, at)
    carry_out(lead, plan, wait)
    return plan


def carry_out(lead: Lead, plan: Plan, wait: WaitingLead | None = None) -> None:
    """Write the certificate and do what it says. Needs the lead's lock and those of the plan."""
    if plan.chosen and plan.rule:
        _assign(lead, plan, plan.rule, plan.chosen, wait)
    elif plan.rule and plan.outcome == "disqualified":
        _disqualify(lead, plan, plan.rule)
    else:
        # Who was given back may have a running promise.
        is_first = lead.routed_at is None and wait is None
        certificate = None if wait and _same_wait(wait, plan) else _certify(lead, plan)
        keep_waiting(lead, plan, wait, certificate)
        policy_id = plan.rule.policy_id if plan.rule else None
        run_clock(lead, policy_id=policy_id, calendars=plan.calendars, at=plan.at, owned=False, is_first=is_first)


def _assign(lead: Lead, plan: Plan, rule: RuleView, chosen: Standing, wait: WaitingLead | None) -> None:
    is_first = lead.routed_at is None and wait is None
    certificate = _certify(lead, plan)
    if plan.from_pool and plan.distribution and certificate:
        members = [one.member for one in plan.standings if one.member]
        book_distribution(plan.from_pool, members, plan.distribution, lead, certificate)
    give(
        lead,
        chosen.user,
        at=plan.at,
        reason=Assignment.Reason.WAITING if wait else Assignment.Reason.RULE,
        certificate=certificate,
        team_id=plan.pool.team_id if plan.pool else None,
        is_first=is_first,
        data={"rule": rule.id, "rule_name": rule.name, "pool": plan.pool.slug if plan.pool else None},
    )
    run_clock(
        lead,
        policy_id=rule.policy_id,
        calendars=plan.calendars,
        at=plan.at,
        owned=True,
        before=[one.calendar for one in plan.standings],
        is_first=is_first,
    )


def _disqualify(lead: Lead, plan: Plan, rule: RuleView) -> None:
    _certify(lead, plan)
    leave_waiting(lead, at=plan.at)
    lead.routed_at = plan.at
    lead.save(update_fields=["routed_at"])
    to_disqualified(
        lead,
        Cause(by="routing", at=plan.at, data={"rule_name": rule.name}),
        reason=Reason.objects.get(pk=rule.reason_id or 0),
        note=rule.name,
    )


def _certify(lead: Lead, plan: Plan) -> Certificate | None:
    """The immutable record of the decision; none where no rule set was there to decide."""
    if plan.rules is None:
        return None
    content: dict[str, Any] = {
        "lead": lead.pk,
        "rule_set": plan.rules.version,
        "outcome": plan.outcome,
        "decided_at": plan.at,
        "facts": plan.facts,
        "rules": rules_content(plan.looked, plan.rules.rules),
        "candidates": candidates_content(plan.distribution) if plan.distribution else [],
        "draw": draw_content(plan.distribution) if plan.distribution else {},
    }
    certificate = Certificate(
        lead=lead,
        rule_set_id=plan.rules.id,
        rule_id=plan.rule.id if plan.rule else None,
        pool=plan.pool,
        rep_id=plan.chosen.candidate.rep_id if plan.chosen else None,
        outcome=plan.outcome,
        decided_at=plan.at,
        digest=digest(content),
        brief=brief_of(content["candidates"]),
        **{name: content[name] for name in ("facts", "rules", "candidates", "draw")},
    )
    insert_many([certificate])
    return certificate


def _same_wait(wait: WaitingLead, plan: Plan) -> bool:
    """Whether the next try came to what the last one said: worth no certificate of its own."""
    return wait.reason == plan.reason and wait.pool_id == (plan.pool.pk if plan.pool else None)


def correct_route(lead: Lead, at: datetime) -> bool:
    """Once, and only minutes after routing: what became known late may send the lead elsewhere.

    Never takes a lead from a rep who has touched or acknowledged it, nor into the waiting room. Needs the lead's lock.
    """
    current = _correctable(lead, at)
    if current is None or current.certificate is None:
        return False
    rules = rules_for(lead.pk)
    rule = first_match(rules.rules, lead_facts(lead, at))[0] if rules else None
    if rule is None or rule.id == current.certificate.rule_id:
        return False
    with transaction.atomic():
        # Booked back first, as the new rule's pool may be the old one's; undone with the rest if nobody can take it.
        take_back(current.certificate, "corrected", at)
        plan = make_plan(lead, at)
        if plan.outcome == "assigned":
            end_assignment(lead, at=at, reason="corrected")
            carry_out(lead, plan)
            return True
        transaction.set_rollback(True)
    return False


def _correctable(lead: Lead, at: datetime) -> Assignment | None:
    """The assignment that a late value may still correct."""
    is_early = lead.owned_at is not None and timedelta() <= at - lead.owned_at <= CORRECT_WITHIN
    if not is_early or lead.first_touched_at or lead.last_activity_at or not lead.is_working or lead.is_history:
        return None
    corrected = lead.assignments.filter(starts_at__gte=lead.captured_at, end_reason="corrected")
    current = lead.assignments.filter(ends_at__isnull=True, accepted_at__isnull=True, certificate__isnull=False)
    return None if corrected.exists() else current.select_related("certificate").first()


def pass_over(lead: Lead, at: datetime) -> bool:
    """Give a locked lead whose owner let the promise run out to somebody else who can take it now; False if nobody.

    The turn is the new owner's; who let it run out keeps theirs as taken.
    """
    with transaction.atomic():
        end_assignment(lead, at=at, reason=OVERDUE)
        lead.owner, lead.owned_at = None, None
        lead.save(update_fields=["owner", "owned_at"])
        plan = make_plan(lead, at)
        if plan.outcome == "assigned":
            record_event(lead, "lead.passed_over", at=at, by="clock")
            carry_out(lead, plan)
            return True
        transaction.set_rollback(True)
    lead.refresh_from_db()
    return False
