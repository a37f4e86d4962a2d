"""Conditions that can never hold, because two of their comparisons exclude each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from leads.fold import fold

Leaf = Mapping[str, Any]

# Nothing that is not known is equal to something, or more or less than it; it may well be other than something.
OF_THE_UNKNOWN = ("is_unknown", "ne", "not_in")


def contradiction(tree: Mapping[str, Any]) -> str:
    """The fact about which a condition contradicts itself; empty if none does.

    Looks at what has to hold together: the plain comparisons of an “all of” list, inner groups aside.
    """
    parts = [tree] if "fact" in tree else tree.get("all") or []
    by_fact: dict[str, list[Leaf]] = {}
    for part in parts:
        if "fact" in part and "fact_value" not in part:
            by_fact.setdefault(part["fact"], []).append(part)
    return next((fact for fact, leaves in by_fact.items() if _exclude_each_other(leaves)), "")


def _exclude_each_other(leaves: Sequence[Leaf]) -> bool:
    ops = {str(leaf.get("op")) for leaf in leaves}
    if "is_unknown" in ops and ops.difference(OF_THE_UNKNOWN):
        return True
    return {"is_true", "is_false"} <= ops or _no_value_left(leaves) or _nothing_between(leaves)


def _no_value_left(leaves: Sequence[Leaf]) -> bool:
    """Whether the values asked for have none in common that is not ruled out."""
    wanted = [values_of(leaf) for leaf in leaves if leaf.get("op") in ("eq", "in")]
    ruled_out = [values_of(leaf) for leaf in leaves if leaf.get("op") in ("ne", "not_in")]
    return bool(wanted) and not set.intersection(*wanted).difference(*ruled_out)


def _nothing_between(leaves: Sequence[Leaf]) -> bool:
    """Whether a least value lies above a highest one."""
    lows = [(leaf["value"], leaf["op"] == "gt") for leaf in leaves if leaf.get("op") in ("gt", "gte")]
    highs = [(leaf["value"], leaf["op"] == "lt") for leaf in leaves if leaf.get("op") in ("lt", "lte")]
    try:
        return any(low > high or (low == high and (s1 or s2)) for low, s1 in lows for high, s2 in highs)
    except TypeError:
        return False


def values_of(leaf: Leaf) -> set[str]:
    """The values on a comparison's right side, as they are compared."""
    value = leaf.get("value")
    values = value if isinstance(value, list) else [value]
    return {fold(str(one)) for one in values}
