"""Which traits of company and person are won oftener than others: the ideal customer profile, without a database.

For each trait of company and person: how much oftener its deals are won than all others (lift, with Katz's 95 %
interval for a ratio of rates, Biometrics 34, 1978), tested exactly (Fisher), and called sure by Benjamini and
Hochberg's procedure over all traits looked at, so that of what is called sure at most one in twenty is chance.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qualification.prediction.discoveries import discoveries, fisher
from qualification.prediction.encode import number, word
from qualification.prediction.looked_at import is_looked_at

# A trait of fewer deals than so many says nothing.
LEAST_WITH = 8
MOST_VALUES = 25
# Twice as often won: so many points of fit.
POINTS_FOR_TWICE = 10
MOST_FOR_ONE = 20
PROFILE = ("company.", "contact.", "list.", "territory.", "attributes.")
# What the deal itself brings about, or what only says the same again.
LEFT_OUT = frozenset(
    {
        "company.is_customer",
        "company.has_owner",
        "company.has_open_opportunity",
        "contact.time_zone",
        "contact.email_domain",
        "contact.has_phone",
    }
)
BANDS = {"company.staff": (10, 50, 250, 1000, 5000)}


@dataclass(frozen=True)
class Deal:
    """One deal that ended, with the facts as they were when its lead was last scored before."""

    is_won: bool
    reason: str
    facts: Mapping[str, Any]


def traits_of(deals: Sequence[Deal], kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every trait that enough deals have, the surest first. ``kinds`` are those of the facts there are."""
    wins = sum(deal.is_won for deal in deals)
    found = []
    for fact, value, condition, having in _levels(deals, kinds):
        mine = [deals[place] for place in having]
        won, others = sum(deal.is_won for deal in mine), len(deals) - len(mine)
        if len(mine) < LEAST_WITH or others < LEAST_WITH:
            continue
        found.append(_trait(fact, value, condition, mine, won, wins - won, others))
    sure = discoveries([trait["chance"] for trait in found])
    for trait, is_sure in zip(found, sure, strict=True):
        trait["is_sure"] = is_sure
        trait["points"] = _points(trait["lift"]) if is_sure else 0
    return sorted(found, key=lambda trait: (trait["chance"], trait["fact"], trait["value"]))


def _trait(
    fact: str, value: str, condition: dict[str, Any], mine: Sequence[Deal], won: int, other_won: int, others: int
) -> dict[str, Any]:
    lift, low, high = ratio(won, len(mine), other_won, others)
    reasons = Counter(deal.reason for deal in mine if not deal.is_won and deal.reason)
    reason, count = reasons.most_common(1)[0] if reasons else ("", 0)
    return {
        "fact": fact,
        "value": value,
        "condition": condition,
        "won": won,
        "deals": len(mine),
        "other_won": other_won,
        "other_deals": others,
        "lift": round(lift, 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "chance": fisher(won, len(mine), other_won, others),
        "reason": reason,
        "reason_deals": count,
    }


def ratio(won: int, total: int, other_won: int, other_total: int) -> tuple[float, float, float]:
    """How many times as often one group is won as the other, with the 95 % interval; half a deal is added to each
    cell, so that none is empty."""
    rate, other = (won + 0.5) / (total + 1), (other_won + 0.5) / (other_total + 1)
    error = math.sqrt(1 / (won + 0.5) - 1 / (total + 1) + 1 / (other_won + 0.5) - 1 / (other_total + 1))
    return rate / other, rate / other * math.exp(-1.96 * error), rate / other * math.exp(1.96 * error)


def _points(lift: float) -> int:
    return max(-MOST_FOR_ONE, min(MOST_FOR_ONE, round(POINTS_FOR_TWICE * math.log2(lift))))


def _levels(deals: Sequence[Deal], known: Mapping[str, str]) -> Iterable[tuple[str, str, dict[str, Any], list[int]]]:
    """Each value, or band of numbers, of each fact of the profile: how it reads, its condition, and who has it."""
    kinds = {name: kind for name, kind in known.items() if is_of_profile(name)}
    kinds |= {name: "any" for deal in deals for name in deal.facts if name.startswith("attributes.")}
    for name in sorted(kinds):
        values = [deal.facts.get(name) for deal in deals]
        if kinds[name] == "number":
            yield from _bands(name, values)
        elif kinds[name] == "bool":
            having = [place for place, value in enumerate(values) if value is True]
            yield name, "", {"fact": name, "op": "is_true"}, having
        elif kinds[name] in ("text", "any"):
            yield from _words(name, values)


def is_of_profile(name: str) -> bool:
    """Whether a fact says who they are, rather than what they or we did."""
    return name.startswith(PROFILE) and name not in LEFT_OUT and is_looked_at(name)


def _words(name: str, values: Sequence[Any]) -> Iterable[tuple[str, str, dict[str, Any], list[int]]]:
    having: dict[str, list[int]] = defaultdict(list)
    spelt: dict[str, Counter[str]] = defaultdict(Counter)
    for place, value in enumerate(values):
        if key := word(value):
            having[key].append(place)
            spelt[key][str(value)] += 1
    often = sorted(having, key=lambda key: (-len(having[key]), key))[:MOST_VALUES]
    for key in often:
        # As most of them write it.
        value = spelt[key].most_common(1)[0][0]
        yield name, value, {"fact": name, "op": "eq", "value": value}, having[key]


def _bands(name: str, values: Sequence[Any]) -> Iterable[tuple[str, str, dict[str, Any], list[int]]]:
    read = [number(value) if value is not None else None for value in values]
    known = sorted(value for value in read if value is not None)
    if len(known) < 2 * LEAST_WITH:
        return
    edges = BANDS.get(name) or _quarters(known)
    for low, high in zip((None, *edges), (*edges, None), strict=True):
        having = [
            place
            for place, value in enumerate(read)
            if value is not None and (low is None or value >= low) and (high is None or value < high)
        ]
        limits = [(op, edge) for op, edge in (("gte", low), ("lt", high)) if edge is not None]
        parts = [{"fact": name, "op": op, "value": edge} for op, edge in limits]
        yield name, _band_words(low, high), parts[0] if len(parts) == 1 else {"all": parts}, having


def _quarters(known: Sequence[float]) -> tuple[float, ...]:
    """Round edges that part the deals in about four."""
    edges = []
    for part in (0.25, 0.5, 0.75):
        edge = known[int(part * len(known))]
        digits = 1 - math.floor(math.log10(abs(edge))) if edge else 0
        edges.append(round(edge, digits))
    return tuple(sorted({int(edge) if float(edge).is_integer() else edge for edge in edges}))


def _band_words(low: float | None, high: float | None) -> str:
    if low is None:
        return f"< {high:,}"
    return f"≥ {low:,}" if high is None else f"{low:,} – < {high:,}"
