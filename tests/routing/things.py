"""Rule sets and shifts for the tests of routing."""

from datetime import time
from typing import Any

from leads.models import Lead, LeadEvent, Reason
from routing.models import Pool, Rep, Rule, RuleSet, Shift
from routing.services.route import route_lead

ALWAYS: dict[str, Any] = {}


def is_in(fact: str, *values: str) -> dict[str, Any]:
    """A condition on one fact."""
    return {"fact": fact, "op": "in", "value": list(values)}


def make_rules(*rules: tuple[str, dict[str, Any], Any], version: int = 1, status: str = "published") -> RuleSet:
    """A rule set of (name, condition, destination); a destination is a pool, a rep, a reason, ("account_owner", pool)
    or None for the waiting room."""
    rule_set = RuleSet.objects.create(version=version, status=status)
    for position, (name, condition, target) in enumerate(rules, 1):
        Rule.objects.create(rule_set=rule_set, position=position, name=name, condition=condition, **destination(target))
    return rule_set


def destination(target: Any) -> dict[str, Any]:
    """The columns of a destination."""
    if isinstance(target, Pool):
        return {"destination": "pool", "pool": target}
    if isinstance(target, Rep):
        return {"destination": "rep", "rep": target}
    if isinstance(target, Reason):
        return {"destination": "disqualify", "reason": target}
    if isinstance(target, tuple):
        return {"destination": target[0], "pool": target[1]}
    return {"destination": "waiting"}


def shift(rep: Rep, weekday: int, starts_at: str, ends_at: str) -> Shift:
    """Working hours on one weekday (0 is Monday)."""
    start, end = time.fromisoformat(starts_at), time.fromisoformat(ends_at)
    return Shift.objects.create(rep=rep, weekday=weekday, starts_at=start, ends_at=end)


def route(lead: Lead) -> None:
    """The pipeline's step, with the lead as it stands."""
    lead.refresh_from_db()
    route_lead(lead, LeadEvent(lead=lead, kind="lead.scored"))
    lead.refresh_from_db()
