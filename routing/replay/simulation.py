"""One decision after another: the rule, the crowd, the turn; balances and loads run on as the new decisions make them.

Where the rule that takes a lead means the same people as the one that took it then, the crowd is the one that the
certificate recorded. Otherwise it is made from the history of hours, absences, switches and shares.
"""

import heapq
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leads.conditions import Condition
from leads.fold import fold
from routing.decide import BEST_FIT, CLAIM, FAIR, LEAST_LOADED, RuleView
from routing.models import Rule
from routing.replay.compiled import Row, compiled
from routing.replay.people import People, Presence
from routing.replay.tiers import Crowd, Tier, choose

TRY_AGAIN = timedelta(minutes=10)
LONGEST_WAIT = timedelta(days=14)
ASSIGNED, WAITING, DISQUALIFIED, UNMATCHED, QUEUED = "assigned", "waiting", "disqualified", "unmatched", "queued"


@dataclass(slots=True)
class Decision:
    """A decision of the past. ``is_retry``: the lead had waited. ``crowd``: who could have taken it then."""

    pk: int
    lead: int
    at: datetime
    rule_id: int | None
    rep_id: int | None
    outcome: str
    seed: str
    strategy: str
    row: Row
    crowd: Crowd
    is_retry: bool = False
    account: int | None = None
    ended_at: datetime | None = None


@dataclass(slots=True)
class Outcome:
    """What the new rules make of a lead. ``by_rule``: another rule, or one that means others, decides."""

    rule: int
    kind: str
    rep: int | None = None
    at: datetime | None = None
    by_rule: bool = False


def meaning(rule: RuleView) -> str:
    """What a rule says of who receives its leads: two rules that mean the same share the same crowds."""
    told = [rule.destination, rule.pool_id, rule.rep_id, rule.fallback_pool_id, rule.cover_id, list(rule.wants)]
    return json.dumps(told, sort_keys=True, default=str)


@dataclass(frozen=True)
class Extra:
    """One more person in a pool, who never was: `NOBODY_YET` as a rep, with a whole share."""

    pool: int
    presence: Presence


NOBODY_YET = -1


class Course:
    """Amounts over time, added in order, and their sum from some instant on."""

    __slots__ = ("sums", "times")

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.sums: list[int] = []

    def add(self, at: datetime, amount: int) -> None:
        """One more."""
        self.times.append(max(at, self.times[-1]) if self.times else at)
        self.sums.append((self.sums[-1] if self.sums else 0) + amount)

    def since(self, begin: datetime) -> int:
        """The sum of what came after ``begin``."""
        if not self.times or self.times[-1] <= begin:
            return 0
        place = bisect_right(self.times, begin)
        return self.sums[-1] - (self.sums[place - 1] if place else 0)

    @property
    def whole(self) -> int:
        """The sum of all."""
        return self.sums[-1] if self.sums else 0


@dataclass
class Books:
    """Balances by pool, in millionths; when each member last received a lead; loads that differ from history's."""

    balances: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    last: dict[int, dict[int, datetime]] = field(default_factory=lambda: defaultdict(dict))
    open_more: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    # Received more or less than in history, in order of time; of a kind that is capped, all that were received.
    more: "dict[int, Course]" = field(default_factory=lambda: defaultdict(Course))
    of_kind: "dict[int, Course]" = field(default_factory=lambda: defaultdict(Course))


class Simulation:
    """The state of a replay. ``pools_of``: meanings of the rules of old by their numbers."""

    def __init__(
        self,
        rules: Sequence[RuleView],
        first: Callable[[Row], int],
        index: Mapping[str, int],
        people: People,
        meanings: Mapping[int, str],
        books: Books,
        watched: frozenset[int] = frozenset(),
        extra: Extra | None = None,
        kinds: Mapping[int, Condition] | None = None,
    ) -> None:
        self.rules, self.first, self.index, self.people = rules, first, index, people
        self.meanings, self.books, self.watched, self.extra = meanings, books, watched, extra
        self.own = [meaning(rule) for rule in rules]
        self.outcomes: dict[int, Outcome] = {}
        self.booked: dict[int, tuple[int, dict[int, int]]] = {}
        self._waiting: list[tuple[datetime, int, Decision]] = []
        self._ends: list[tuple[datetime, int, int]] = []
        self._kind_ends: list[tuple[datetime, int]] = []
        self._kinds = {pk: compiled(one, index) for pk, one in (kinds or {}).items()}

    def decide(self, one: Decision) -> Outcome:
        """Make one decision again."""
        self.pass_time(one.at)
        known = self.outcomes.get(one.lead)
        if one.is_retry and known is not None and known.kind == ASSIGNED:
            # It waited then; here somebody has had it since.
            return known
        place = self.first(one.row)
        unmatched = Outcome(-1, UNMATCHED, by_rule=one.rule_id is not None)
        found = self._by_rule(one, place) if place >= 0 else unmatched
        self.outcomes[one.lead] = found
        return found

    def _by_rule(self, one: Decision, place: int) -> Outcome:
        rule = self.rules[place]
        is_same = self.meanings.get(one.rule_id or 0) == self.own[place]
        found = Outcome(place, WAITING, by_rule=not is_same)
        if rule.destination == Rule.Destination.DISQUALIFY:
            found.kind = DISQUALIFIED
        elif rule.destination != Rule.Destination.WAITING:
            crowd = self._with_extra(one.crowd, rule, one.at) if is_same else self._crowd(rule, one, one.at)
            strategy = one.strategy if is_same else self._strategy(rule, one.at)
            self._give(one, rule, crowd, strategy, one.at, found)
            if found.kind == WAITING and (one.outcome != WAITING or not is_same or self.extra):
                self._wait(one, rule, one.at)
        return found

    def _strategy(self, rule: RuleView, at: datetime) -> str:
        return (self.people.strategy(rule.pool_id, at) if rule.pool_id else "") or FAIR

    def _give(self, one: Decision, rule: RuleView, crowd: Crowd, strategy: str, at: datetime, found: Outcome) -> None:
        """Let the first tier with somebody free have it."""
        for tier in crowd.tiers:
            free = self._under_caps(tier, crowd, at) if crowd.loads else tier
            if not free.reps:
                continue
            if strategy == CLAIM and free.role == "pool":
                found.kind = QUEUED
                return
            if strategy in (BEST_FIT, LEAST_LOADED):
                free = self._preferred(free, crowd, strategy)
            found.kind, found.at = ASSIGNED, at
            found.rep = self._turn(one, rule, free, at)
            self._count(one, found.rep, at)
            return

    def _turn(self, one: Decision, rule: RuleView, tier: Tier, at: datetime) -> int:
        pool = {"pool": rule.pool_id, "fallback": rule.fallback_pool_id}.get(tier.role)
        if pool is None:
            return choose(tier, {}, {}, one.seed)
        balances, last = self.books.balances[pool], self.books.last[pool]
        before = {rep: balances.get(rep, 0) for rep in tier.reps} if one.pk in self.watched else None
        chosen = choose(tier, balances, last, one.seed)
        last[chosen] = at
        if before is not None:
            self.booked[one.pk] = (pool, {rep: balances[rep] - was for rep, was in before.items()})
        return chosen

    def take_back(self, pk: int) -> None:
        """A decision was booked back."""
        pool, moves = self.booked.pop(pk, (0, {}))
        for rep, amount in moves.items():
            self.books.balances[pool][rep] -= amount

    def move(self, pool: int, rep: int, amount: int) -> None:
        """A movement by hand."""
        balances = self.books.balances[pool]
        balances[rep] = balances.get(rep, 0) + amount

    def _under_caps(self, tier: Tier, crowd: Crowd, at: datetime) -> Tier:
        keep = []
        for place, rep in enumerate(tier.reps):
            load = crowd.loads.get(rep)
            if load is not None:
                open_leads, most_open, today, most_today, is_full = load
                if is_full or (most_open is not None and open_leads + self.books.open_more[rep] >= most_open):
                    continue
                if most_today is not None and today + self._more(rep, "day", at) >= most_today:
                    continue
            keep.append(place)
        return tier.only(keep)

    def _more(self, rep: int, per: str, at: datetime) -> int:
        """How many more a rep has received in a period than history says; less is negative."""
        course = self.books.more.get(rep)
        return course.since(self.people.begin_of(rep, per, at)) if course else 0

    def _preferred(self, tier: Tier, crowd: Crowd, strategy: str) -> Tier:
        if strategy == BEST_FIT:
            best = max(tier.fits)
            return tier.only([place for place, fit in enumerate(tier.fits) if fit == best])
        more = self.books.open_more
        loads = [crowd.loads.get(rep, (0,))[0] + more[rep] for rep in tier.reps]
        # Compared crosswise, so that nothing is rounded.
        least = min(range(len(loads)), key=lambda place: loads[place] / tier.weights[place])
        keep = [
            place
            for place, load in enumerate(loads)
            if load * tier.weights[least] == loads[least] * tier.weights[place]
        ]
        return tier.only(keep)

    def _count(self, one: Decision, rep: int, at: datetime) -> None:
        """Loads run on: who has a lead now that another had then, until it was closed."""
        if self._kinds:
            self._count_kinds(one, rep, at)
        if rep == one.rep_id:
            return
        moved = [(rep, 1)] if one.rep_id is None else [(rep, 1), (one.rep_id, -1)]
        for who, amount in moved:
            self.books.open_more[who] += amount
            self.books.more[who].add(at, amount)
            if one.ended_at is not None:
                heapq.heappush(self._ends, (one.ended_at, who, amount))

    def _count_kinds(self, one: Decision, rep: int, at: datetime) -> None:
        for cap in self.people.kind_caps(rep, at):
            if cap["id"] in self._kinds and self._kinds[cap["id"]](one.row):
                self.books.of_kind[cap["id"]].add(at, 1)
                if cap["per"] == "open" and one.ended_at is not None:
                    heapq.heappush(self._kind_ends, (one.ended_at, cap["id"]))

    def pass_time(self, at: datetime) -> None:
        """What happens up to an instant: closed leads leave, waiting ones are tried again."""
        while self._waiting and self._waiting[0][0] <= at:
            self._close_until(self._waiting[0][0])
            when, _pk, one = heapq.heappop(self._waiting)
            self._again(one, when)
        self._close_until(at)

    def _close_until(self, at: datetime) -> None:
        while self._ends and self._ends[0][0] <= at:
            _when, who, amount = heapq.heappop(self._ends)
            self.books.open_more[who] -= amount
        while self._kind_ends and self._kind_ends[0][0] <= at:
            when, cap = heapq.heappop(self._kind_ends)
            self.books.of_kind[cap].add(when, -1)

    def _again(self, one: Decision, when: datetime) -> None:
        found = self.outcomes[one.lead]
        if found.kind != WAITING or found.rule < 0:
            return
        rule = self.rules[found.rule]
        self._give(one, rule, self._crowd(rule, one, when), self._strategy(rule, when), when, found)
        if found.kind == WAITING:
            self._wait(one, rule, when)

    def _wait(self, one: Decision, rule: RuleView, at: datetime) -> None:
        """Try again when somebody may come, or soon where caps may free."""
        if at - one.at > LONGEST_WAIT:
            return
        pools = [pool for pool in (rule.pool_id, rule.fallback_pool_id) if pool]
        crowd = self._crowd(rule, one, at)
        times = [at + TRY_AGAIN] if crowd.tiers else []
        if (change := self.people.next_change(pools, at)) is not None:
            times.append(change)
        if self.extra is not None and self.extra.pool == rule.pool_id:
            times += self.extra.presence.starts[bisect_right(self.extra.presence.starts, at) :][:1]
        when = min(times, default=at + timedelta(hours=1))
        heapq.heappush(self._waiting, (when, one.pk, one))

    def _crowd(self, rule: RuleView, one: Decision, at: datetime) -> Crowd:
        """Who of those a rule means took leads at an instant."""
        people, tiers = self.people, list[Tier]()
        named = [("account", one.account)] if rule.destination == Rule.Destination.ACCOUNT_OWNER else []
        if rule.destination == Rule.Destination.REP:
            named.append(("rule", rule.rep_id))
        tiers += [self._named(role, rep, at) for role, rep in named]
        if rule.pool_id:
            tiers.append(people.pool_tier(rule.pool_id, "pool", at))
        tiers.append(self._named("cover", rule.cover_id, at))
        if rule.fallback_pool_id:
            tiers.append(people.pool_tier(rule.fallback_pool_id, "fallback", at))
        if rule.wants:
            tiers = [self._fitting(tier, rule, one, at) for tier in tiers]
        kept = tuple(tier for tier in tiers if tier.reps)
        loads = {rep: load for tier in kept for rep in tier.reps if (load := self._load(rep, one, at))}
        return self._with_extra(Crowd(kept, loads), rule, at)

    def _with_extra(self, crowd: Crowd, rule: RuleView, at: datetime) -> Crowd:
        """The crowd with the one who never was, where they would have been there."""
        if self.extra is None or self.extra.pool != rule.pool_id or not self.extra.presence.takes(at):
            return crowd
        tiers = list(crowd.tiers)
        place = next((number for number, tier in enumerate(tiers) if tier.role == "pool"), None)
        if place is None:
            ranks = [number for number, tier in enumerate(tiers) if tier.role in ("cover", "fallback")]
            tiers.insert(ranks[0] if ranks else len(tiers), Tier.of("pool", [(NOBODY_YET, 100, 0)]))
        else:
            known = tiers[place]
            members = list(zip(known.reps, known.weights, known.fits, strict=True))
            tiers[place] = Tier.of("pool", [*members, (NOBODY_YET, 100, 0)])
        return Crowd(tuple(tiers), crowd.loads)

    def _named(self, role: str, rep: int | None, at: datetime) -> Tier:
        is_there = rep is not None and self.people.presence(rep).takes(at)
        return Tier.of(role, [(rep, 100, 0)] if is_there and rep is not None else [])

    def _fitting(self, tier: Tier, rule: RuleView, one: Decision, at: datetime) -> Tier:
        members = []
        for rep, weight in zip(tier.reps, tier.weights, strict=True):
            met = [(want, self._meets(rep, want, one, at)) for want in rule.wants]
            if all(is_met for want, is_met in met if want.get("must")):
                members.append((rep, weight, sum(is_met for _want, is_met in met)))
        return Tier.of(tier.role, members)

    def _meets(self, rep: int, want: Mapping[str, Any], one: Decision, at: datetime) -> bool:
        fact = str(want.get("fact"))
        asked = want.get("value") or (one.row[self.index[fact]] if fact in self.index else None)
        if asked in (None, ""):
            return True
        row = self.people.rep(rep, at) or {}
        return fold(str(asked)) in {fold(str(word)) for word in row.get(str(want.get("rep"))) or ()}

    def _load(self, rep: int, one: Decision, at: datetime) -> tuple[int, int | None, int, int | None, bool] | None:
        people, row = self.people, self.people.rep(rep, at) or {}
        most_open, most_today = row.get("max_open_leads"), row.get("max_per_day")
        periods = [(per, most) for per in ("hour", "week") if (most := row.get(f"max_per_{per}")) is not None]
        is_full = any(self._received(rep, per, at) >= most for per, most in periods)
        is_full = is_full or (bool(self._kinds) and self._is_full_of_kind(rep, one, at))
        if most_open is None and most_today is None and not is_full:
            return None
        today = people.received_since(rep, people.begin_of(rep, "day", at), at) if most_today is not None else 0
        return (people.open_then(rep, at), most_open, today, most_today, is_full)

    def _received(self, rep: int, per: str, at: datetime) -> int:
        return self.people.received_since(rep, self.people.begin_of(rep, per, at), at) + self._more(rep, per, at)

    def _is_full_of_kind(self, rep: int, one: Decision, at: datetime) -> bool:
        """Whether a cap on leads of this one's kind is reached, counting those given within the period."""
        for cap in self.people.kind_caps(rep, at):
            if cap["id"] in self._kinds and self._kinds[cap["id"]](one.row):
                course = self.books.of_kind[cap["id"]]
                begin = None if cap["per"] == "open" else self.people.begin_of(rep, cap["per"], at)
                if (course.whole if begin is None else course.since(begin)) >= cap["most"]:
                    return True
        return False
