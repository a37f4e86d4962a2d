"""The operators: what each needs on its right side and which kinds of facts it is for."""

from dataclasses import dataclass
from typing import Any, Literal

Needs = Literal["value", "list", "days", "pattern", "ranges", "nothing"]


@dataclass(frozen=True)
class Op:
    """One operator. `en` and `de` are its words in a sentence, ``{value}`` the place of the value."""

    name: str
    needs: Needs
    kinds: tuple[str, ...]
    en: str
    de: str


_SAME = ("text", "number", "bool", "any", "postal")
_AMONG = ("text", "number", "any", "postal")
_ALL = ("text", "number", "bool", "time", "any", "postal")
_TEXT = ("text", "any")
_ORDER = ("number", "time", "any")

OPS: dict[str, Op] = {
    op.name: op
    for op in (
        Op("eq", "value", _SAME, "is {value}", "ist {value}"),
        Op(
            "ne",
            "value",
            ("text", "number", "bool", "any", "postal"),
            "is other than {value}",
            "ist anders als {value}",
        ),
        Op("in", "list", _AMONG, "is one of {value}", "ist eines von {value}"),
        Op("not_in", "list", _AMONG, "is none of {value}", "ist keines von {value}"),
        Op("in_ranges", "ranges", ("postal", "any"), "lies in {value}", "liegt in {value}"),
        Op("gt", "value", _ORDER, "is more than {value}", "ist mehr als {value}"),
        Op("gte", "value", _ORDER, "is at least {value}", "ist mindestens {value}"),
        Op("lt", "value", _ORDER, "is less than {value}", "ist weniger als {value}"),
        Op("lte", "value", _ORDER, "is at most {value}", "ist höchstens {value}"),
        Op("contains", "value", _TEXT, "contains {value}", "enthält {value}"),
        Op("starts_with", "value", _TEXT, "begins with {value}", "beginnt mit {value}"),
        Op("ends_with", "value", _TEXT, "ends with {value}", "endet auf {value}"),
        Op("matches", "pattern", _TEXT, "matches the pattern {value}", "passt auf das Muster {value}"),
        Op("is_known", "nothing", _ALL, "is known", "ist bekannt"),
        Op("is_unknown", "nothing", _ALL, "is not known", "ist nicht bekannt"),
        Op("is_true", "nothing", ("bool", "any"), "is yes", "trifft zu"),
        Op("is_false", "nothing", ("bool", "any"), "is no", "trifft nicht zu"),
        Op(
            "older_than_days", "days", ("time",), "was more than {value} days ago", "liegt mehr als {value} Tage zurück"
        ),
        Op("within_days", "days", ("time",), "was within the last {value} days", "liegt in den letzten {value} Tagen"),
    )
}


def compares_as(kind: str, op: str, value: Any) -> str:
    """The kind in which a comparison is made: the fact's, or for further answers the one of the value."""
    if OPS[op].kinds == _TEXT:
        return "text"
    if op in ("is_true", "is_false"):
        return "bool"
    if op == "in_ranges":
        return "postal"
    if kind != "any":
        return kind
    one = value[0] if isinstance(value, list | tuple) and value else value
    if isinstance(one, bool):
        return "bool"
    return "number" if isinstance(one, int | float) else "text"
