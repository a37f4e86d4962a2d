"""From a lead to a decision: read what it needs, lock who could take it, decide. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_noop

from leads.facts import lead_facts
from leads.models import Company, Lead
from routing.calendar import Calendar, next_start
from routing.decide import CLAIM, FAIR, TIERS, Distribution, Looked, RuleView, distribute, first_match
from routing.fit import meets
from routing.hours import day_start
from routing.models import Absence, Pool, Rule
from routing.published import PublishedRules, rules_for
from routing.snapshot import Standing, pool_standings, rep_standings

# Why a lead waits; translated where it is shown.
NO_RULES = gettext_noop("No routing rules are published yet.")
UNMATCHED = gettext_noop("No rule fits this lead.")
BY_RULE = gettext_noop("A rule sends such leads to the waiting room.")
NOBODY_MEMBER = gettext_noop("Nobody belongs to the pool.")
NOBODY_PRESENT = gettext_noop("Nobody works at the moment.")
NOBODY_FREE = gettext_noop("Everybody who works has as many leads as they may have.")
NOBODY_WANTS = gettext_noop("Everybody who could take it has given it back.")
NOBODY_FITS = gettext_noop("Nobody in the pool is what the rule wants.")
TO_CLAIM = gettext_noop("It waits in the team's queue until somebody takes it.")
NOBODY_TAKES = gettext_noop("Nobody takes leads at the moment.")

# How an assignment ends that the rep gave up.
HANDED_BACK = "handed_back"
# And one that was taken from them because nobody was in touch in time.
OVERDUE = "overdue"

RETRY_AFTER = timedelta(hours=1)
RETRY_FULL = timedelta(minutes=10)
BY_HOUR, BY_LOAD = ("leave", "shift"), ("open_leads", "per_day", "cap")


@dataclass(frozen=True)
class Plan:
    """A decision that is not written down yet. ``outcome``: assigned, waiting, disqualified or unmatched."""

    at: datetime
    outcome: str
    facts: dict[str, Any] = field(default_factory=dict)
    rules: PublishedRules | None = None
    looked: Sequence[Looked] = ()
    rule: RuleView | None = None
    pool: Pool | None = None
    standings: Sequence[Standing] = ()
    distribution: Distribution | None = None
    reason: str = ""
    wake_at: datetime | None = None

    @property
    def chosen(self) -> Standing | None:
        """Who receives the lead."""
        choice = self.distribution.choice if self.distribution else None
        return next((one for one in self.standings if choice and one.candidate.rep_id == choice.rep_id), None)

    @property
    def from_pool(self) -> Pool | None:
        """The pool whose turn this was: none where the rule or the company named the rep."""
        return self.chosen.member.pool if self.chosen and self.chosen.member else None

    @property
    def calendars(self) -> list[Calendar]:
        """Whose working time counts: the rep's, or that of all who may yet take it."""
        return [self.chosen.calendar] if self.chosen else [one.calendar for one in self.standings]


def make_plan(lead: Lead, at: datetime) -> Plan:
    """Decide about a locked lead. Locks the candidates until the transaction ends.

    Who has given this lead back is no candidate for it any more.
    """
    rules = rules_for(lead.pk)
    if rules is None:
        return Plan(at, "unmatched", reason=NO_RULES, wake_at=at + RETRY_AFTER)
    facts = lead_facts(lead, at)
    rule, looked = first_match(rules.rules, facts)
    seen = Plan(at, "unmatched", facts, rules, looked, rule)
    if rule is None:
        return replace(seen, reason=UNMATCHED, wake_at=at + RETRY_AFTER)
    if rule.destination == Rule.Destination.DISQUALIFY:
        return replace(seen, outcome="disqualified")
    if rule.destination == Rule.Destination.WAITING:
        return replace(seen, outcome="waiting", reason=BY_RULE, pool=_pool(rule), wake_at=at + RETRY_AFTER)
    return _distributed(seen, rules.version, rule, lead)


def _distributed(seen: Plan, version: int, rule: RuleView, lead: Lead) -> Plan:
    """Who of those the rule means."""
    at = seen.at
    standings = _without_decliners(_standings(rule, lead, at, seen.facts), lead)
    standings = [_judged(one, rule, seen.facts) for one in standings]
    pool = next((one.member.pool for one in standings if one.member), None) or _pool(rule)
    seed = f"lead {lead.pk}, set {version}, captured {lead.captured_at.isoformat()}"
    strategy = pool.strategy if pool and rule.pool_id else FAIR
    distribution = distribute([one.candidate for one in standings], seed, strategy)
    plan = replace(seen, pool=pool, standings=standings, distribution=distribution)
    if distribution.choice:
        return replace(plan, outcome="assigned", pool=plan.from_pool or pool)
    if strategy == CLAIM and len(distribution.stopped) < len(standings):
        return replace(plan, outcome="waiting", reason=TO_CLAIM, wake_at=at + RETRY_AFTER)
    return replace(
        plan,
        outcome="waiting",
        reason=_reason(distribution),
        wake_at=_wake_at(plan.standings, distribution.stopped, at),
    )


def _judged(one: Standing, rule: RuleView, facts: Mapping[str, Any]) -> Standing:
    """With what the rule wants of a rep and this one lacks, and how many of its wishes they meet."""
    if not rule.wants or one.rep is None:
        return one
    met = [(want, meets(one.rep, want, facts)) for want in rule.wants]
    lacks = next((str(want["rep"]) for want, is_met in met if want.get("must") and not is_met), "")
    return replace(one, candidate=replace(one.candidate, lacks=lacks, fit=sum(is_met for _want, is_met in met)))


def _without_decliners(standings: list[Standing], lead: Lead) -> list[Standing]:
    """Mark who has given the lead back since it was captured; a lead never routed before has nobody to ask for."""
    if lead.routed_at is None:
        return standings
    given_back = lead.assignments.filter(end_reason__in=[HANDED_BACK, OVERDUE], ends_at__gte=lead.captured_at)
    users = set(given_back.values_list("user", flat=True))
    return [
        replace(one, candidate=replace(one.candidate, has_declined=True)) if one.user.pk in users else one
        for one in standings
    ]


def _pool(rule: RuleView) -> Pool | None:
    return Pool.objects.filter(pk=rule.pool_id).first() if rule.pool_id else None


def _standings(rule: RuleView, lead: Lead, at: datetime, facts: Mapping[str, Any]) -> list[Standing]:
    """Everybody who may be meant, tier by tier; each once."""
    if rule.destination == Rule.Destination.REP:
        named = rep_standings(Q(pk=rule.rep_id), "rule", at, facts)
        found = [*named, *_stand_ins(named, "rule", at, facts)]
    else:
        found = []
    if rule.destination == Rule.Destination.ACCOUNT_OWNER:
        # The company's own owner; for a subsidiary without one, that of the company it belongs to.
        unowned = Company.objects.filter(contacts=lead.contact_id, account_owner__isnull=True)
        owns = Q(user__accounts__contacts=lead.contact_id) | Q(user__accounts__subsidiaries__in=unowned)
        owners = rep_standings(owns, "account", at, facts)
        found = [*owners, *_stand_ins(owners, "account_cover", at, facts)]
    pools = [pk for pk in (rule.pool_id, rule.fallback_pool_id) if pk]
    if pools:
        found += pool_standings(pools, at, facts)
    if rule.fallback_pool_id and not rule.pool_id:
        # There is no pool of the rule's own: the one to fall back on stays behind.
        found = [_in_role(one, "fallback") if one.member else one for one in found]
    if rule.cover_id:
        found += rep_standings(Q(pk=rule.cover_id), "cover", at, facts)
    return _each_once(found)


def _stand_ins(named: list[Standing], role: str, at: datetime, facts: Mapping[str, Any]) -> list[Standing]:
    """Who stands in for those who are away now, as noted with their absence."""
    away = [one.candidate.rep_id for one in named if one.candidate.away_until]
    if not away:
        return []
    absences = Absence.objects.filter(rep__in=away, starts_at__lte=at, ends_at__gt=at, cover__isnull=False)
    return rep_standings(Q(pk__in=absences.values("cover")), role, at, facts)


def _in_role(one: Standing, role: str) -> Standing:
    return replace(one, candidate=replace(one.candidate, role=role))


def _each_once(standings: list[Standing]) -> list[Standing]:
    """A person stands in the highest tier; that of a pool keeps the pool's turn, if it is the same tier."""
    place = {role: number for number, roles in enumerate(TIERS) for role in roles}
    first: dict[int, Standing] = {}
    for one in sorted(standings, key=lambda one: place[one.candidate.role]):
        first.setdefault(one.candidate.rep_id, one)
    return list(first.values())


def _reason(distribution: Distribution) -> str:
    """What keeps everybody from taking it, in one sentence."""
    gates = set(distribution.stopped.values())
    if not gates:
        return NOBODY_MEMBER
    if gates == {"declined"}:
        return NOBODY_WANTS
    if gates == {"skills"}:
        return NOBODY_FITS
    if gates & {*BY_LOAD}:
        return NOBODY_FREE
    return NOBODY_PRESENT if gates & {*BY_HOUR} else NOBODY_TAKES


def _wake_at(standings: Sequence[Standing], stopped: Mapping[int, str], at: datetime) -> datetime:
    """When it is worth trying again: the next shift of one who is stopped by the hour, soon where a cap may free."""
    hourly = [one.calendar for one in standings if stopped[one.candidate.rep_id] in BY_HOUR]
    times = [next_start(hourly, at)] if hourly else []
    for one in standings:
        gate = stopped[one.candidate.rep_id]
        if gate in ("open_leads", "cap"):
            times.append(at + RETRY_FULL)
        elif gate == "per_day":
            times.append(next_start([one.calendar], day_start(at + timedelta(days=1), one.user.time_zone)))
    return min((time for time in times if time), default=at + RETRY_AFTER)
