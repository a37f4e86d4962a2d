"""Rules as functions over a row of values: what a condition says of a value is worked out once per value.

A property test holds them equal to `Condition.holds`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from leads.conditions import Condition
from leads.conditions.tree import Leaf, Node, Not
from leads.facts import NOW
from routing.decide import RuleView

Row = Sequence[Any]
Test = Callable[[Row], bool]
Index = Mapping[str, int]


def fact_names(rules: Sequence[RuleView], more: Iterable[Condition] = ()) -> list[str]:
    """The facts that the rules look at, those that they want reps to match, and those of ``more`` conditions; the
    present comes first."""
    names: set[str] = {name for condition in more for name in condition.fact_names()}
    for rule in rules:
        if rule.condition is not None:
            names |= rule.condition.fact_names()
        names |= {str(want["fact"]) for want in rule.wants if want.get("fact")}
    return [NOW, *sorted(names - {NOW})]


def compile_rules(rules: Sequence[RuleView], index: Index) -> Callable[[Row], int]:
    """The place of the first rule that holds for a row; -1 where none does."""
    tests = [(place, compiled(rule.condition, index)) for place, rule in enumerate(rules) if rule.condition is not None]

    def first(row: Row) -> int:
        for place, test in tests:
            if test(row):
                return place
        return -1

    return first


def compiled(condition: Condition, index: Index) -> Test:
    """One condition."""
    return _node(condition.root, index)


def _node(node: Node, index: Index) -> Test:
    if isinstance(node, Leaf):
        return _leaf(node, index)
    if isinstance(node, Not):
        inner = _node(node.part, index)
        return lambda row: not inner(row)
    parts = tuple(_node(part, index) for part in node.parts)
    if len(parts) == 1:
        return parts[0]

    def all_hold(row: Row) -> bool:
        for part in parts:  # noqa: SIM110  # a generator would cost more than the tests
            if not part(row):
                return False
        return True

    def any_holds(row: Row) -> bool:
        for part in parts:  # noqa: SIM110  # as above
            if part(row):
                return True
        return False

    return all_hold if node.is_all else any_holds


def _leaf(leaf: Leaf, index: Index) -> Test:
    check, name = leaf.check, leaf.fact.name
    if leaf.other is not None or leaf.op in ("older_than_days", "within_days"):
        names = [name, leaf.other.name if leaf.other else NOW]
        places = [(one, index[one]) for one in names]
        return lambda row: check({one: row[place] for one, place in places})
    place, known = index[name], dict[Any, bool]()
    # Among the further answers 1, 1.0 and true are different words.
    is_mixed = leaf.fact.kind == "any"

    def held(row: Row) -> bool:
        value = row[place]
        key = (value.__class__, value) if is_mixed else value
        try:
            return known[key]
        except KeyError:
            found = known[key] = check({name: value})
            return found
        except TypeError:
            return check({name: value})

    return held
