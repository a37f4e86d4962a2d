"""Who could have taken a lead, ready to be chosen from: whole numbers, worked out once per crowd."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from routing.decide import TIERS
from routing.fairness import draw

# Balances in millionths of a lead, weights in hundredths.
LEAD = 1_000_000


@dataclass(frozen=True, slots=True)
class Tier:
    """Reps of one rank with their weights and each one's part of a lead, rounded down as the ledger does."""

    role: str
    reps: tuple[int, ...]
    weights: tuple[int, ...]
    fits: tuple[int, ...]
    parts: tuple[int, ...] = ()
    total: int = 0

    @classmethod
    def of(cls, role: str, members: Sequence[tuple[int, int, int]]) -> "Tier":
        """From (rep, weight, fit)."""
        whole = sum(weight for _rep, weight, _fit in members)
        parts = tuple(weight * LEAD // whole for _rep, weight, _fit in members) if whole else ()
        reps, weights, fits = zip(*members, strict=True) if members else ((), (), ())
        return cls(role, tuple(reps), tuple(weights), tuple(fits), parts, sum(parts))

    def only(self, keep: Sequence[int]) -> "Tier":
        """The same with those at these places alone."""
        if len(keep) == len(self.reps):
            return self
        return Tier.of(self.role, [(self.reps[one], self.weights[one], self.fits[one]) for one in keep])


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody who could have taken a lead but for their caps, tier by tier, with the caps and loads of those who
    have any: rep → (open, most open, today, most a day, whether another cap was reached)."""

    tiers: tuple[Tier, ...]
    loads: Mapping[int, tuple[int, int | None, int, int | None, bool]] = field(default_factory=dict)


NOBODY = Crowd(())
LOAD_GATES = frozenset({"", "open_leads", "per_day", "cap"})


@lru_cache(maxsize=4096)
def read_crowd(text: str) -> Crowd:
    """From what a certificate keeps for this; the same crowd comes again and again."""
    told = json.loads(text)
    return _crowd(told["free"], {int(rep): tuple(load) for rep, load in told["loads"].items()})


def crowd_of_candidates(candidates: Sequence[Mapping[str, Any]]) -> Crowd:
    """From a certificate's candidates, for those that were written before they kept it."""
    brief = brief_of(candidates)
    return _crowd(brief["free"], {int(rep): tuple(load) for rep, load in brief["loads"].items()})


def brief_of(candidates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a replay needs of candidates (as stored): who was stopped by nothing but a cap, and the caps' loads."""
    free, loads = [], {}
    for one in candidates:
        if one["gate"] not in LOAD_GATES:
            continue
        free.append([one["role"], one["rep_id"], round(float(one["weight"]) * 100), one.get("fit", 0)])
        caps = one.get("caps") or ()
        if one["open_leads"] is not None or caps:
            is_full = any(cap[1] >= cap[2] for cap in caps)
            loads[str(one["rep_id"])] = [
                one["open_leads"] or 0,
                one["max_open_leads"],
                one["leads_today"] or 0,
                one["max_per_day"],
                is_full,
            ]
    return {"free": free, "loads": loads}


def _crowd(free: Sequence[Sequence[Any]], loads: Mapping[int, Any]) -> Crowd:
    tiers = []
    for roles in TIERS:
        members = [(rep, weight, fit) for role, rep, weight, fit in free if role in roles and weight > 0]
        if members:
            tiers.append(Tier.of(next(role for role, *_rest in free if role in roles), members))
    return Crowd(tuple(tiers), loads)


def choose(tier: Tier, balances: dict[int, int], last: Mapping[int, Any], seed: str) -> int:
    """Who of the tier is next, as `routing.fairness.choose` says it; books the turn in ``balances``."""
    reps = tier.reps
    owed = [balances.get(rep, 0) + part for rep, part in zip(reps, tier.parts, strict=True)]
    most = max(owed)
    if owed.count(most) == 1:
        chosen = reps[owed.index(most)]
    else:
        chosen = _among([rep for rep, due in zip(reps, owed, strict=True) if due == most], last, seed)
    balances.update(zip(reps, owed, strict=True))
    # The chosen one is credited what rounding left over, and debited the lead.
    balances[chosen] -= tier.total
    return chosen


def _among(tied: list[int], last: Mapping[int, Any], seed: str) -> int:
    fresh = [rep for rep in tied if last.get(rep) is None]
    if not fresh:
        oldest = min(last[rep] for rep in tied)
        fresh = [rep for rep in tied if last[rep] == oldest]
    if len(fresh) == 1:
        return fresh[0]
    fresh.sort()
    return fresh[int(draw(seed) * len(fresh))]
