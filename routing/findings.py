"""What is wrong or worth knowing about a rule set before it decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leadmgmt.core.formats import quoted
from leadmgmt.core.now import now
from leads.facts import fact_named
from routing.calendar import windows
from routing.contradictions import contradiction, values_of
from routing.decide import readable
from routing.hours import calendars_by_number
from routing.models import PoolMember, Rule, RuleSet, SlaPolicy

STOP, WARN, NOTE, GOOD = "stop", "warn", "note", "good"
WEEK_HOURS = 168


@dataclass(frozen=True)
class Finding:
    """One finding; a ``stop`` keeps the draft from being published. ``above`` is the place that would mend it."""

    level: str
    title: str
    more: str = ""
    rule: Rule | None = None
    above: int | None = None


def findings_of(rule_set: RuleSet, rules: Sequence[Rule] | None = None) -> list[Finding]:
    """Everything found, what stops publishing first; ``rules`` spares reading them again."""
    if rules is None:
        related = ("pool", "rep__user", "reason", "sla_policy", "fallback_pool", "cover__user")
        rules = list(rule_set.rules.select_related(*related).order_by("position"))
    rules = [rule for rule in rules if rule.is_active]
    people = _people({rule.pool_id for rule in rules if rule.pool_id})
    found = [*_of_each(rules, people), *_unreachable(rules), *_of_all(rules), *_hours(rules, people, now())]
    if not any(one.level == STOP for one in found):
        found.append(Finding(GOOD, _("Every rule can be read and reached.")))
    return sorted(found, key=lambda one: (STOP, WARN, NOTE, GOOD).index(one.level))


def _people(pool_ids: set[int]) -> dict[int, list[int]]:
    """The reps of each pool."""
    members = PoolMember.objects.filter(pool__in=pool_ids, left_at__isnull=True, rep__user__is_active=True)
    reps: dict[int, list[int]] = {}
    for pool_id, rep_id in members.values_list("pool", "rep"):
        reps.setdefault(pool_id, []).append(rep_id)
    return reps


def _of_each(rules: Sequence[Rule], people: Mapping[int, list[int]]) -> list[Finding]:
    found = []
    for rule in rules:
        words = {"number": rule.position, "name": rule.name}
        if readable(rule.condition) is None:
            found.append(Finding(STOP, _("Rule %(number)s cannot be read.") % words, rule=rule))
        elif fact := contradiction(rule.condition):
            known = fact_named(fact)
            label = quoted(known.label(get_language() or "en") if known else fact)
            more = _("What it says about %(fact)s contradicts itself.") % {"fact": label}
            found.append(Finding(STOP, _("Rule %(number)s can never hold.") % words, more, rule))
        if rule.pool and not rule.pool.is_active:
            text = _("Rule %(number)s gives to a pool that is closed.") % words
            found.append(Finding(STOP, text, str(rule.pool), rule))
        elif rule.pool_id and not people.get(rule.pool_id):
            text = _("Rule %(number)s gives to a pool without people.") % words
            found.append(Finding(STOP, text, str(rule.pool), rule))
        if rule.rep and not rule.rep.user.is_active:
            text = _("Rule %(number)s gives to somebody who cannot sign in any more.") % words
            found.append(Finding(STOP, text, str(rule.rep), rule))
    return found


def _unreachable(rules: Sequence[Rule]) -> list[Finding]:
    found = []
    for place, rule in enumerate(rules):
        earlier = next((one for one in rules[:place] if covers(one.condition, rule.condition)), None)
        if earlier is not None:
            words = {"number": rule.position, "earlier": earlier.position}
            title = _("Rule %(number)s can never be reached.") % words
            more = _("Rule %(earlier)s takes all its leads first.") % words
            found.append(Finding(STOP, title, more, rule, earlier.position))
    return found


def _of_all(rules: Sequence[Rule]) -> list[Finding]:
    found = []
    if not rules:
        return [Finding(STOP, _("There is no rule yet."), _("Without rules every lead waits."))]
    if rules[-1].condition:
        more = _("A lead that no rule fits goes to the waiting room. Add a last rule without a condition.")
        found.append(Finding(WARN, _("Not every lead finds a rule."), more))
    needs_promise = any(
        rule.sla_policy_id is None and rule.destination != Rule.Destination.DISQUALIFY for rule in rules
    )
    if needs_promise and not SlaPolicy.objects.filter(is_default=True).exists():
        found.append(Finding(WARN, _("Some leads get no promise of a first touch."), _("There is no default promise.")))
    return found


def _hours(rules: Sequence[Rule], people: Mapping[int, list[int]], at: datetime) -> list[Finding]:
    """How much of a week each pool is served."""
    calendars = calendars_by_number({rep for reps in people.values() for rep in reps}, at)
    found = []
    for pool in {rule.pool_id: rule.pool for rule in rules if rule.pool and people.get(rule.pool_id or 0)}.values():
        week = windows([calendars[rep] for rep in people[pool.pk]], at, at + timedelta(days=7))
        hours = round(sum((stop - start).total_seconds() for start, stop in week) / 3600)
        words = {"pool": pool, "hours": hours}
        if not hours:
            found.append(Finding(WARN, _("Nobody of %(pool)s works in the next seven days.") % words))
        elif hours < WEEK_HOURS:
            title = _("%(pool)s is served %(hours)s of 168 hours a week.") % words
            found.append(Finding(NOTE, title, _("Leads at other times wait for the next shift.")))
    return found


def covers(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    """Whether each lead of ``later`` is surely taken by ``earlier``: only where both are lists of "all of"."""
    if not earlier:
        return True
    if dict(earlier) == dict(later):
        return True
    first, second = _all_of(earlier), _all_of(later)
    if first is None or second is None:
        return False
    return all(any(_implies(one, wanted) for one in second) for wanted in first)


def _all_of(tree: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The comparisons of a plain list, None for anything else."""
    parts = [tree] if "fact" in tree else tree.get("all")
    return parts if parts and all("fact" in part for part in parts) else None


def _implies(one: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the comparison ``one`` can only hold where ``wanted`` does."""
    if one == wanted:
        return True
    if one.get("fact") != wanted.get("fact") or "fact_value" in one or "fact_value" in wanted:
        return False
    ops = (one.get("op"), wanted.get("op"))
    if ops[0] in ("eq", "in") and ops[1] in ("eq", "in"):
        return values_of(one) <= values_of(wanted)
    if ops[1] == "is_known":
        return ops[0] != "is_unknown"
    try:
        if ops in (("gte", "gte"), ("gt", "gt"), ("gt", "gte")):
            return bool(one["value"] >= wanted["value"])
        if ops in (("lte", "lte"), ("lt", "lt"), ("lt", "lte")):
            return bool(one["value"] <= wanted["value"])
    except TypeError:
        return False
    return False
