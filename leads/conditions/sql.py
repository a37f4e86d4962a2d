"""One comparison in SQL: the leads for which it holds."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    DateTimeField,
    DecimalField,
    Field,
    Func,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable, Expression
from django.db.models.functions import Cast, Coalesce, Collate, Left, Length, NullIf, Right, StrIndex
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    Lookup,
    Regex,
)

from leads.conditions.check import ranges, ready
from leads.conditions.ops import compares_as
from leads.conditions.pattern import MOST_TEXT, Pattern
from leads.conditions.values import NO, NUMBER_SQL, YES
from leads.facts import Fact
from leads.facts.places import postal_column
from leads.fold import Fold

ORDER: dict[str, type[Lookup[Any]]] = {
    "eq": Exact,
    "gt": GreaterThan,
    "gte": GreaterThanOrEqual,
    "lt": LessThan,
    "lte": LessThanOrEqual,
}
NUMBER = DecimalField(max_digits=40, decimal_places=10)
# A fact, what it is read as, and the moment that ages are measured at: its value in SQL.
Read = Callable[[Fact, str, datetime], Expression]


def leaf_q(
    fact: Fact, op: str, value: Any, other: Fact | None, *, at: datetime, is_exact: bool, read: "Read | None" = None
) -> Q:
    """The comparison as a filter. ``is_exact``: false where a fact is unknown, instead of SQL's NULL."""
    test = _test(fact, op, value, other, at, read or column)
    return Q(Coalesce(test, Value(False), output_field=BooleanField())) if is_exact else Q(test)


def _test(fact: Fact, op: str, value: Any, other: Fact | None, at: datetime, read: "Read") -> Expression:
    if op in ("is_known", "is_unknown"):
        return IsNull(read(fact, "text" if fact.kind == "any" else fact.kind, at), op == "is_unknown")
    if op in ("older_than_days", "within_days"):
        return _age(read(fact, "time", at), op, at, timedelta(days=value))
    kind = compares_as(fact.kind, op, value)
    left = read(fact, kind, at)
    if other is not None:
        return _compare(left, op, read(other, kind, at))
    if op in ("is_true", "is_false"):
        return Exact(left, Value(op == "is_true", output_field=BooleanField()))
    if op in ("in", "not_in"):
        among = In(left, [_value(one, kind) for one in ready(value, kind)])
        return among if op == "in" else _opposite(among)
    if op == "in_ranges":
        return _in_ranges(left, ranges(value))
    if op == "matches":
        return Regex(Left(left, MOST_TEXT, output_field=TextField()), Value(Pattern(value).sql))
    return _compare(left, op, _value(ready(value, kind), kind))


def _opposite(test: Expression) -> Expression:
    """NOT, which leaves NULL as it is."""
    return Func(test, template="NOT (%(expressions)s)", output_field=BooleanField())


def _compare(left: Expression, op: str, right: Expression) -> Expression:
    if op == "ne":
        return _opposite(Exact(left, right))
    if op == "contains":
        return GreaterThan(StrIndex(left, right), Value(0))
    if op in ("starts_with", "ends_with"):
        cut = Left if op == "starts_with" else Right
        return Exact(cut(left, Length(right), output_field=TextField()), right)
    return ORDER[op](left, right)


def _in_ranges(code: Expression, spans: Sequence[tuple[str, str]]) -> Expression:
    """Whether the code's beginning lies between the two ends; compared by bytes, whatever the database's locale."""
    tests = [
        _both(
            GreaterThanOrEqual(_beginning(code, low), Value(low, output_field=TextField())),
            LessThanOrEqual(_beginning(code, high), Value(high, output_field=TextField())),
        )
        for low, high in spans
    ]
    return Func(*tests, template="(%(expressions)s)", arg_joiner=" OR ", output_field=BooleanField())


def _beginning(code: Expression, end: str) -> Expression:
    return Collate(Left(code, len(end), output_field=TextField()), "C")


def _both(one: Expression, other: Expression) -> Expression:
    return Func(one, other, template="(%(expressions)s)", arg_joiner=" AND ", output_field=BooleanField())


def _age(then: Expression, op: str, at: datetime, days: timedelta) -> Expression:
    edge = Value(at - days, output_field=DateTimeField())
    if op == "older_than_days":
        return LessThan(then, edge)
    end = Value(at, output_field=DateTimeField())
    return _both(GreaterThanOrEqual(then, edge), LessThanOrEqual(then, end))


def _value(value: Any, kind: str) -> Expression:
    if kind == "number":
        return Cast(Value(Decimal(repr(value)), output_field=NUMBER), NUMBER)
    fields: dict[str, Field[Any, Any]] = {
        "text": TextField(),
        "postal": TextField(),
        "bool": BooleanField(),
        "time": DateTimeField(),
    }
    return Value(value, output_field=fields[kind])


def column(fact: Fact, kind: str, at: datetime) -> Expression:
    """The fact's value in SQL, read as ``kind``; NULL where it is unknown."""
    if fact.column is None:
        raise LookupError(f"{fact.name} has no column")
    raw = fact.column(at)
    if kind == "text":
        text = NullIf(raw, Value(""), output_field=TextField())
        return text if fact.is_folded else Fold(text)
    if kind == "postal":
        return postal_column(raw)
    if kind == "number":
        return _number(raw) if fact.kind == "any" else Cast(raw, NUMBER)
    if kind == "bool" and fact.kind == "any":
        return _yes_or_no(Fold(raw))
    return Cast(raw, DateTimeField() if kind == "time" else BooleanField())


def _number(text: Combinable) -> Expression:
    """Text that is a plain number. CASE keeps the cast from seeing any other."""
    return Case(
        When(
            Regex(Func(text, template="(%(expressions)s)", output_field=TextField()), Value(NUMBER_SQL)),
            then=Cast(text, NUMBER),
        ),
        output_field=NUMBER,
    )


def _yes_or_no(text: Expression) -> Expression:
    return Case(
        When(In(text, list(YES)), then=Value(True)),
        When(In(text, list(NO)), then=Value(False)),
        output_field=BooleanField(),
    )
