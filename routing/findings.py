"""What is wrong or worth knowing about a rule set before it decides."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leadmgmt.core.formats import quoted
from leadmgmt.core.now import now
from leads.conditions import Condition, parse
from leads.conditions.prover import Prover
from leads.facts import fact_named
from routing.calendar import windows
from routing.contradictions import contradiction
from routing.decide import readable
from routing.hours import calendars_by_number
from routing.models import Absence, PoolMember, Rule, RuleSet, SlaPolicy
from routing.words import fact_value

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
    people = _people({pk for rule in rules for pk in (rule.pool_id, rule.fallback_pool_id) if pk})
    found = [*_of_each(rules, people), *_unreachable(rules), *_of_all(rules), *_hours(rules, people, now())]
    found += [*_fallbacks(rules, people), *_circles(rules, people, now())]
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


def _fallbacks(rules: Sequence[Rule], people: Mapping[int, list[int]]) -> list[Finding]:
    """What is to happen when nobody can, where that can help nobody."""
    found = []
    for rule in rules:
        words = {"number": rule.position, "pool": rule.fallback_pool, "rep": rule.cover}
        first, second = set(people.get(rule.pool_id or 0, ())), set(people.get(rule.fallback_pool_id or 0, ()))
        if rule.fallback_pool and not rule.fallback_pool.is_active:
            found.append(Finding(WARN, _("Rule %(number)s falls back on a pool that is closed.") % words, rule=rule))
        elif rule.fallback_pool and not second:
            found.append(Finding(WARN, _("Rule %(number)s falls back on a pool without people.") % words, rule=rule))
        elif rule.fallback_pool and rule.pool_id and second <= first:
            more = _("Everybody of %(pool)s belongs to the first pool too: when nobody there can, nobody here can.")
            found.append(Finding(WARN, _("Rule %(number)s falls back on the same people.") % words, more % words, rule))
        if rule.cover and not rule.cover.user.is_active:
            title = _("Rule %(number)s names somebody for when nobody can who cannot sign in any more.") % words
            found.append(Finding(WARN, title, str(rule.cover), rule))
    return found


def _circles(rules: Sequence[Rule], people: Mapping[int, list[int]], at: datetime) -> list[Finding]:
    """People who stand in for each other while both are away: their leads come back to nobody."""
    named = {rule.rep_id for rule in rules} | {rep for reps in people.values() for rep in reps}
    away = Absence.objects.filter(rep__in=named - {None}, ends_at__gt=at, cover__isnull=False)
    absences = list(away.select_related("rep__user", "cover__user").order_by("starts_at", "pk"))
    found, told = [], set()
    for one in absences:
        chain = _chain(one, absences)
        if chain and frozenset(chain) not in told:
            told.add(frozenset(chain))
            names = {rep.pk: str(rep) for absence in absences for rep in (absence.rep, absence.cover) if rep}
            listed = " → ".join(names[pk] for pk in [*chain, chain[0]])
            more = _("While all of them are away, what one of them is to have waits, or goes to whom the rule names.")
            found.append(
                Finding(WARN, _("People stand in for each other in a circle: %(names)s.") % {"names": listed}, more)
            )
    return found


def _chain(first: Absence, absences: Sequence[Absence]) -> list[int]:
    """Whom one reaches by asking who stands in while all are away, if that leads back to the first."""
    chain, start, end = [first.rep_id], first.starts_at, first.ends_at
    current: Absence | None = first
    while current is not None and current.cover_id not in chain:
        asked = current.cover_id
        current = next(
            (one for one in absences if one.rep_id == asked and one.starts_at < end and one.ends_at > start), None
        )
        if current is not None:
            chain.append(current.rep_id)
            start, end = max(start, current.starts_at), min(end, current.ends_at)
    return chain if current is not None and current.cover_id == chain[0] else []


def _unreachable(rules: Sequence[Rule]) -> list[Finding]:
    """Rules that no lead can reach, and leads that reach no rule, with an example."""
    trees = tuple(json.dumps(rule.condition, sort_keys=True) for rule in rules)
    proved = _proofs(trees, _values_of_today(rules))
    found = []
    for rule, proof in zip(rules, proved.rules, strict=True):
        words = {"number": rule.position}
        if proof.never_holds and not contradiction(rule.condition):
            more = _("No lead can be all that it asks for.")
            found.append(Finding(STOP, _("Rule %(number)s can never hold.") % words, more, rule))
        if proof.is_reached or proof.never_holds:
            continue
        before = [rules[place].position for place in proof.covered_by]
        title = _("Rule %(number)s can never be reached.") % words
        one = _("Rule %(earlier)s takes all its leads first.")
        several = _("Rules %(earlier)s take all its leads first.")
        named = ", ".join(map(str, before))
        more = (one if len(before) == 1 else several) % {"earlier": named}
        found.append(Finding(STOP, title, more, rule, before[0] if before else None))
    if proved.gap is not None and rules:
        more = _("A lead that no rule fits goes to the waiting room. For example: %(example)s.")
        title = _("Not every lead finds a rule.")
        found.append(Finding(WARN, title, more % {"example": example_words(proved.gap)}))
    return found


@dataclass(frozen=True)
class Reach:
    """Whether some lead comes to a rule; ``covered_by``: places of earlier rules that take some of its leads."""

    is_reached: bool
    never_holds: bool = False
    covered_by: tuple[int, ...] = ()


@dataclass(frozen=True)
class Proofs:
    """What was proved about a list of rules. ``gap``: the facts that matter of a lead that no rule takes."""

    rules: tuple[Reach, ...]
    gap: Mapping[str, Any] | None


def _values_of_today(rules: Sequence[Rule]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The values that the facts asked for can have: those of a territory are others when its table is changed."""
    conditions = [condition for rule in rules if (condition := readable(rule.condition))]
    facts = {name: fact_named(name) for condition in conditions for name in condition.fact_names()}
    return tuple((name, fact.options) for name, fact in sorted(facts.items()) if fact and fact.options)


@lru_cache(maxsize=128)
def _proofs(trees: tuple[str, ...], values: tuple[tuple[str, tuple[str, ...]], ...]) -> Proofs:
    """Conditions that cannot be read hold for nobody; what was not proved counts as reached. ``values`` is part of what
    the proof rests on, so that it is made anew when they change."""
    conditions = [readable(json.loads(tree)) for tree in trees]
    known = [one for one in conditions if one is not None]
    prover = Prover(known)
    found = []
    for place, condition in enumerate(conditions):
        earlier = [(number, one) for number, one in enumerate(conditions[:place]) if one is not None]
        if condition is None:
            found.append(Reach(True))
            continue
        proof = prover.find(condition, [one for _number, one in earlier])
        if proof.example is not None or not proof.is_sure:
            found.append(Reach(True))
        elif prover.find(condition).example is None:
            found.append(Reach(False, never_holds=True))
        else:
            found.append(Reach(False, covered_by=_covering(prover, condition, earlier)))
    gap = prover.find(parse({}), known) if known else None
    return Proofs(tuple(found), gap.told if gap and gap.example is not None else None)


def _covering(prover: Prover, condition: Condition, earlier: Sequence[tuple[int, Condition]]) -> tuple[int, ...]:
    """The fewest earlier rules that together take everything: each one that can be spared is left out."""
    needed = list(earlier)
    for one in earlier:
        rest = [other for other in needed if other != one]
        found = prover.find(condition, [other for _number, other in rest])
        if found.example is None and found.is_sure:
            needed = rest
    return tuple(number for number, _one in needed)


def example_words(told: Mapping[str, Any]) -> str:
    """The facts of an example, in words."""
    words = []
    for name, value in told.items():
        fact = fact_named(name)
        label = fact.label(get_language() or "en") if fact else name
        words.append(f"{label}: {fact_value(value)}")
    return "; ".join(words) or _("any")


def pairwise_gaps(week: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The times between stretches of work; the week is a circle."""
    between = [(one[1], two[0]) for one, two in pairwise(week)]
    around = (week[-1][1], week[0][0] + timedelta(days=7)) if week else None
    return [*between, *([around] if around and around[0] < around[1] else [])]


def _weekday_time(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{date_format(local, 'D')} {local:%H:%M}"


def _of_all(rules: Sequence[Rule]) -> list[Finding]:
    found = []
    if not rules:
        return [Finding(STOP, _("There is no rule yet."), _("Without rules every lead waits."))]
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
        week = list(windows([calendars[rep] for rep in people[pool.pk]], at, at + timedelta(days=7)))
        hours = round(sum((stop - start).total_seconds() for start, stop in week) / 3600)
        words = {"pool": pool, "hours": hours}
        if not hours:
            found.append(Finding(WARN, _("Nobody of %(pool)s works in the next seven days.") % words))
        elif hours < WEEK_HOURS:
            title = _("%(pool)s is served %(hours)s of 168 hours a week.") % words
            start, stop = max(pairwise_gaps(week), key=lambda gap: gap[1] - gap[0], default=(at, at))
            times = {"start": _weekday_time(start), "stop": _weekday_time(stop)}
            more = _("Leads at other times wait for the next shift, the longest from %(start)s to %(stop)s.")
            found.append(Finding(NOTE, title, more % times))
    return found
