"""One routing decision without a database: which rule, which candidates, who.

Everything that a decision read is in its arguments, so that a certificate which keeps them can be executed again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from leadmgmt.core.errors import InvalidInput
from leads.conditions import Condition, parse
from routing.fairness import By, Choice, Share, balances_after, choose

Facts = Mapping[str, Any]
FAIR, LEAST_LOADED, BEST_FIT, CLAIM = "fair", "least_loaded", "best_fit", "claim"


@dataclass(frozen=True)
class RuleView:
    """A rule as it decides: its condition both as written and parsed.

    A condition that cannot be read (publishing refuses one; a fact may vanish with an upgrade) never holds.
    """

    id: int
    position: int
    name: str
    tree: Mapping[str, Any]
    condition: Condition | None
    destination: str = "waiting"
    pool_id: int | None = None
    rep_id: int | None = None
    reason_id: int | None = None
    policy_id: int | None = None
    wants: tuple[Mapping[str, Any], ...] = ()
    fallback_pool_id: int | None = None
    cover_id: int | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "RuleView":
        """From a certificate."""
        tree = stored["condition"]
        return cls(stored["id"], stored["position"], stored["name"], tree, readable(tree), stored["destination"])


@dataclass(frozen=True)
class Looked:
    """A rule that was looked at, and whether it held for these facts."""

    rule: RuleView
    held: bool
    facts: Facts

    @property
    def trace(self) -> list[dict[str, Any]]:
        """What each comparison said. Written down for the certificate, no part of deciding."""
        return self.rule.condition.trace(self.facts) if self.rule.condition else []


@dataclass(frozen=True)
class Candidate:
    """One rep as they stood at that moment.

    ``works_until`` is the end of the stretch they work in, None if they do not work now; ``away_until`` says that they
    are on leave. Times are ISO texts, as a certificate keeps them. Loads are None where no cap asks for them. ``role``
    says how they came to be candidates (see TIERS). ``lacks`` is what the rule wants of a rep and this one has not,
    ``fit`` how much of what it would like they have, ``caps`` further caps as name, load, most.
    """

    rep_id: int
    user_id: int
    name: str
    role: str = "pool"
    weight: Decimal = Decimal(1)
    balance: Decimal = Decimal()
    last_assigned_at: str | None = None
    is_active: bool = True
    is_accepting: bool = True
    has_declined: bool = False
    works_until: str | None = None
    away_until: str | None = None
    open_leads: int | None = None
    max_open_leads: int | None = None
    leads_today: int | None = None
    max_per_day: int | None = None
    lacks: str = ""
    fit: int = 0
    caps: Sequence[Sequence[Any]] = ()


def _is_full(load: int | None, most: int | None) -> bool:
    return most is not None and (load or 0) >= most


def full_cap(candidate: Candidate) -> Sequence[Any] | None:
    """The first of the further caps that is reached."""
    return next((cap for cap in candidate.caps if cap[1] >= cap[2]), None)


# Whose turn it is: the first tier in which somebody is free. The owner of the account or whom they named to stand in;
# the rule's pool or rep; whom the rule names for when nobody of these can; the pool to fall back on.
TIERS: tuple[frozenset[str], ...] = (
    frozenset({"account"}),
    frozenset({"account_cover"}),
    frozenset({"pool", "rule"}),
    frozenset({"cover"}),
    frozenset({"fallback"}),
)

# The gates in the order in which they are asked; the first that stops somebody is the answer to "why not me".
GATES: tuple[tuple[str, Callable[[Candidate], bool]], ...] = (
    ("account", lambda one: one.is_active),
    ("share", lambda one: one.weight > 0),
    ("skills", lambda one: not one.lacks),
    ("accepting", lambda one: one.is_accepting),
    ("declined", lambda one: not one.has_declined),
    ("leave", lambda one: one.away_until is None),
    ("shift", lambda one: one.works_until is not None),
    ("open_leads", lambda one: not _is_full(one.open_leads, one.max_open_leads)),
    ("per_day", lambda one: not _is_full(one.leads_today, one.max_per_day)),
    ("cap", lambda one: full_cap(one) is None),
)


@dataclass(frozen=True)
class Distribution:
    """Who of the candidates receives the lead. ``choice`` is None if each one was stopped by a gate."""

    candidates: tuple[Candidate, ...]
    stopped: Mapping[int, str]
    choice: Choice | None
    after: Mapping[int, Decimal]
    seed: str
    strategy: str = "fair"

    @property
    def chosen(self) -> Candidate | None:
        """The one who receives it."""
        if self.choice is None:
            return None
        return next(one for one in self.candidates if one.rep_id == self.choice.rep_id)


def readable(tree: Mapping[str, Any]) -> Condition | None:
    """The parsed condition, None if it cannot be read."""
    try:
        return parse(tree)
    except InvalidInput:
        return None


def first_match(rules: Sequence[RuleView], facts: Facts) -> tuple[RuleView | None, list[Looked]]:
    """The first rule whose condition holds, and every rule that was looked at on the way."""
    looked = []
    for rule in rules:
        held = rule.condition is not None and rule.condition.holds(facts)
        looked.append(Looked(rule, held, facts))
        if held:
            return rule, looked
    return None, looked


def stopped_by(candidate: Candidate) -> str:
    """The first gate that stops the candidate, empty if none does."""
    return next((name for name, passes in GATES if not passes(candidate)), "")


def distribute(candidates: Sequence[Candidate], seed: str, strategy: str = FAIR) -> Distribution:
    """Ask the gates, then choose by strategy among those who pass, of the first tier in which there is somebody."""
    stopped = {one.rep_id: gate for one in candidates if (gate := stopped_by(one))}
    free = [one for one in candidates if one.rep_id not in stopped]
    tier = next((found for roles in TIERS if (found := [one for one in free if one.role in roles])), [])
    if strategy == CLAIM and tier and tier[0].role == "pool":
        # Nobody is given a lead that they are to take themselves.
        return Distribution(tuple(candidates), stopped, None, {}, seed, strategy)
    preferred = _preferred(tier, strategy)
    shares = [_share(one) for one in preferred]
    choice = choose(shares, seed) if shares else None
    if choice and len(preferred) == 1 < len(tier):
        choice = replace(choice, by=By.FIT if strategy == BEST_FIT else By.LOAD)
    after = balances_after(shares, choice) if choice else {}
    return Distribution(tuple(candidates), stopped, choice, after, seed, strategy)


def _preferred(free: Sequence[Candidate], strategy: str) -> Sequence[Candidate]:
    """Between whom the turn decides."""
    if strategy == BEST_FIT and free:
        best = max(one.fit for one in free)
        return [one for one in free if one.fit == best]
    if strategy == LEAST_LOADED and free:
        # Compared as fractions: nothing is rounded, so equal loads are equal.
        loads = {one.rep_id: Fraction(one.open_leads or 0) / Fraction(one.weight) for one in free}
        least = min(loads.values())
        return [one for one in free if loads[one.rep_id] == least]
    return free


def _share(candidate: Candidate) -> Share:
    idle_since = candidate.last_assigned_at
    return Share(
        candidate.rep_id,
        candidate.weight,
        candidate.balance,
        datetime.fromisoformat(idle_since) if idle_since else None,
    )
