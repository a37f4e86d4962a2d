"""One comparison in Python, prepared once so that asking it is fast."""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from leads.conditions.ops import compares_as
from leads.conditions.pattern import Pattern
from leads.conditions.values import as_time, reader
from leads.facts import NOW, Fact
from leads.fold import fold
from leads.normalise.postal import code_key, read_range, within

Check = Callable[[Mapping[str, Any]], bool]

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


def ready(value: Any, kind: str) -> Any:
    """A condition's value in the form that facts are compared in."""
    if isinstance(value, list | tuple):
        return tuple(ready(one, kind) for one in value)
    if kind == "text" and isinstance(value, str):
        return fold(value)
    if kind == "postal" and isinstance(value, str):
        return code_key(value)
    return as_time(value) if kind == "time" else value


def ranges(value: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The ranges of postal codes that a condition names."""
    return tuple(read_range(one) for one in value)


def checker(fact: Fact, op: str, value: Any, other: Fact | None) -> Check:
    """The comparison as a function of facts."""
    name = fact.name
    if op in ("is_known", "is_unknown"):
        read = reader(fact.kind, "text" if fact.kind == "any" else fact.kind)
        return lambda facts: (read(facts.get(name)) is not None) is (op == "is_known")
    if op in ("older_than_days", "within_days"):
        return _age_check(name, op, timedelta(days=value))
    kind = compares_as(fact.kind, op, value)
    read = reader(fact.kind, kind)
    if other is not None:
        return _two_facts(name, read, COMPARE[op], other.name, reader(other.kind, kind))
    if op in ("is_true", "is_false"):
        wanted = op == "is_true"
        return lambda facts: read(facts.get(name)) is wanted
    return _one_fact(name, read, op, value if op == "in_ranges" else ready(value, kind))


def _one_fact(name: str, read: Callable[[Any], Any], op: str, value: Any) -> Check:
    test: Callable[[Any], bool]
    if op in ("in", "not_in"):
        among, wanted = frozenset(value), op == "in"
        test = lambda actual: (actual in among) is wanted  # noqa: E731  # the three tests stand side by side
    elif op == "in_ranges":
        spans = ranges(value)
        test = lambda actual: any(within(actual, low, high) for low, high in spans)  # noqa: E731  # as above
    elif op == "matches":
        test = Pattern(value).found_in
    else:
        compare = COMPARE[op]
        test = lambda actual: compare(actual, value)  # noqa: E731  # as above

    def check(facts: Mapping[str, Any]) -> bool:
        actual = read(facts.get(name))
        return actual is not None and test(actual)

    return check


def _two_facts(
    name: str,
    read: Callable[[Any], Any],
    compare: Callable[[Any, Any], bool],
    other: str,
    read_other: Callable[[Any], Any],
) -> Check:
    def check(facts: Mapping[str, Any]) -> bool:
        left, right = read(facts.get(name)), read_other(facts.get(other))
        return left is not None and right is not None and compare(left, right)

    return check


def _age_check(name: str, op: str, days: timedelta) -> Check:
    def check(facts: Mapping[str, Any]) -> bool:
        then, at = as_time(facts.get(name)), as_time(facts.get(NOW))
        if then is None or at is None:
            return False
        return then < at - days if op == "older_than_days" else at - days <= then <= at

    return check
