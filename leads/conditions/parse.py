"""Reading a condition's JSON tree, with the place and the remedy of everything that is wrong with it."""

import difflib
import math
from datetime import datetime
from typing import Any, NoReturn

from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.conditions.ops import OPS, Op
from leads.conditions.pattern_reader import PatternError, read_pattern
from leads.conditions.tree import Condition, Group, Leaf, Node, Not
from leads.conditions.values import NO, YES
from leads.facts import FACTS, Fact, fact_named
from leads.normalise.postal import InvalidRange, code_key, read_range

DEEPEST = 10
MOST_LEAVES = 200
MOST_VALUES = 500
MOST_TEXT = 500
BIGGEST = 10**15


def parse(tree: Any) -> Condition:
    """The condition behind a JSON tree; raises InvalidInput whose `fields` name each wrong place.

    An empty tree, or None, holds always.
    """
    if tree is None or tree == {}:
        return Condition(Group(True, ()))
    root = _node(tree, "", 0)
    if len(root.leaves()) > MOST_LEAVES:
        _refuse("", _("A condition has at most %(most)s comparisons.") % {"most": MOST_LEAVES})
    return Condition(root)


def _refuse(place: str, remedy: str) -> NoReturn:
    raise InvalidInput(
        _("The condition cannot be read at %(place)s: %(remedy)s") % {"place": place or _("its top"), "remedy": remedy},
        fields={place or "condition": remedy},
    )


def _join(place: str, step: str) -> str:
    return f"{place}.{step}" if place else step


def _node(tree: Any, place: str, depth: int) -> Node:
    if depth > DEEPEST:
        _refuse(place, _("groups lie more than %(most)s deep; flatten it.") % {"most": DEEPEST})
    if not isinstance(tree, dict):
        _refuse(place, _("write a group (all, any, not) or a comparison (fact, op, value)."))
    words = set(tree) & {"all", "any", "not"}
    if not words:
        return _leaf(tree, place)
    if len(tree) != 1:
        _refuse(place, _("a group holds exactly one of all, any or not, and nothing beside it."))
    (word,) = words
    if word == "not":
        return Not(_node(tree["not"], _join(place, "not"), depth + 1))
    parts = tree[word]
    if not isinstance(parts, list):
        _refuse(_join(place, word), _("write a list of conditions."))
    if word == "any" and not parts:
        _refuse(_join(place, word), _("add a condition, or remove the group."))
    inner = (_node(part, f"{_join(place, word)}[{i}]", depth + 1) for i, part in enumerate(parts))
    return Group(word == "all", tuple(inner))


def _leaf(tree: dict[str, Any], place: str) -> Leaf:
    if extra := set(tree) - {"fact", "op", "value", "fact_value"}:
        _refuse(
            place,
            _("%(word)s is not known here; a comparison has fact, op and value.") % {"word": min(map(str, extra))},
        )
    fact = _fact(tree.get("fact"), _join(place, "fact"))
    op = OPS.get(tree["op"]) if isinstance(tree.get("op"), str) else None
    if op is None:
        _refuse(_join(place, "op"), _("choose one of %(ops)s.") % {"ops": ", ".join(OPS)})
    if fact.kind not in op.kinds:
        fitting = ", ".join(name for name, one in OPS.items() if fact.kind in one.kinds)
        _refuse(_join(place, "op"), _("for this fact choose one of %(ops)s.") % {"ops": fitting})
    if "fact_value" in tree:
        return Leaf(fact, op.name, None, _other(tree, fact, op, _join(place, "fact_value")), place)
    return Leaf(fact, op.name, _value(tree, fact, op, _join(place, "value")), None, place)


def _fact(name: Any, place: str) -> Fact:
    fact = fact_named(name) if isinstance(name, str) else None
    if fact is None or fact.column is None:
        near = difflib.get_close_matches(str(name), FACTS, n=1)
        hint = _(" Did you mean %(name)s?") % {"name": near[0]} if near else ""
        _refuse(place, _("no fact is called %(name)s.") % {"name": name} + hint)
    return fact


def _other(tree: dict[str, Any], fact: Fact, op: Op, place: str) -> Fact:
    if op.needs != "value" or "value" in tree:
        _refuse(place, _("two facts are compared by eq, ne, gt, gte, lt, lte or contains, without a value."))
    other = _fact(tree["fact_value"], place)
    if {fact.kind, other.kind} - {"any"} not in ({fact.kind}, {"text"}) or fact.kind == "any":
        _refuse(place, _("both facts must be of the same kind."))
    return other


def _value(tree: dict[str, Any], fact: Fact, op: Op, place: str) -> Any:
    value = tree.get("value")
    if op.needs == "nothing":
        if value not in (None, ""):
            _refuse(place, _("this comparison needs no value; remove it."))
        return None
    if op.needs == "list":
        if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
            _refuse(place, _("write a list of 1 to %(most)s values.") % {"most": MOST_VALUES})
        items = tuple(_one(one, fact.kind, f"{place}[{i}]") for i, one in enumerate(value))
        # One odd answer turns a list of numbers and texts into texts.
        return items if len({type(one) is str for one in items}) == 1 else tuple(map(str, items))
    if op.needs == "ranges":
        return _ranges(value, place)
    if op.needs == "days":
        days = _one(value, "number", place)
        if not 0 <= days <= 36_500:
            _refuse(place, _("write a number of days, 0 to 36500."))
        return days
    if op.needs == "pattern":
        return _pattern(value, place)
    kind = "text" if op.kinds == ("text", "any") else fact.kind
    if kind == "any" and op.name in ("gt", "gte", "lt", "lte"):
        kind = "number"
    return _one(value, kind, place)


def _ranges(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
        _refuse(place, _("write a list of 1 to %(most)s values.") % {"most": MOST_VALUES})
    items = tuple(_one(one, "text", f"{place}[{i}]") for i, one in enumerate(value))
    for i, one in enumerate(items):
        try:
            read_range(one)
        except InvalidRange as error:
            _refuse(f"{place}[{i}]", str(error))
    return items


def _pattern(value: Any, place: str) -> str:
    try:
        read_pattern(value if isinstance(value, str) else "")
    except PatternError as error:
        _refuse(place, f"{error}.")
    return str(value)


def _one(value: Any, kind: str, place: str) -> Any:
    if kind == "number" or (kind == "any" and isinstance(value, int | float) and not isinstance(value, bool)):
        return _number(value, place)
    if kind == "bool" or (kind == "any" and isinstance(value, bool)):
        return _yes_or_no(value, place)
    if not isinstance(value, str) or not 0 < len(value) <= MOST_TEXT or "\x00" in value:
        _refuse(place, _("write text of 1 to %(most)s letters.") % {"most": MOST_TEXT})
    if kind == "postal" and not code_key(value):
        _refuse(place, _("write a postal code, or its beginning."))
    return _time(value, place) if kind == "time" else value


def _number(value: Any, place: str) -> int | float:
    if isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            value = None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or abs(value) > BIGGEST
    ):
        _refuse(place, _("write a number."))
    return value


def _yes_or_no(value: Any, place: str) -> bool:
    word = str(value).lower()
    if word not in (*YES, *NO):
        _refuse(place, _("write true or false."))
    return word in YES


def _time(value: str, place: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        _refuse(place, _("write a date such as 2026-11-23."))
    return (make_aware(moment) if is_naive(moment) else moment).isoformat()
