"""How the value of a fact is read for a comparison; None wherever it cannot be."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from leads.fold import fold
from leads.normalise.postal import code_key

NUMBER_TEXT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,3})?")
NUMBER_SQL = r"^-?[0-9]{1,12}(\.[0-9]{1,3})?$"
YES = ("true", "1", "yes", "ja", "on")
NO = ("false", "0", "no", "nein", "off")

Reader = Callable[[Any], Any]


def as_text(value: Any) -> str | None:
    """Folded text; empty text is unknown. A number or yes/no among the further answers is read as written."""
    if isinstance(value, str):
        return fold(value) or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        plain = format(Decimal(repr(value)), "f")
        return plain.removeprefix("-") if not Decimal(plain) else plain
    return None


def as_number(value: Any) -> int | float | None:
    """A number, or text that is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    text = as_text(value) or ""
    if not NUMBER_TEXT.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def as_any_number(value: Any) -> int | float | None:
    """A number among the further answers, whose text must be plain."""
    return as_number(as_text(value)) if not isinstance(value, bool) else None


def as_bool(value: Any) -> bool | None:
    """Yes or no."""
    return value if isinstance(value, bool) else None


def as_any_bool(value: Any) -> bool | None:
    """Yes or no in the words of a form."""
    text = as_text(value)
    return True if text in YES else False if text in NO else None


def as_postal(value: Any) -> str | None:
    """A postal code as codes are compared: capital letters and digits alone."""
    return code_key(value) or None if isinstance(value, str) else None


def as_any_postal(value: Any) -> str | None:
    """A postal code among the further answers, which may have come as a number."""
    return as_postal(as_text(value))


def as_time(value: Any) -> datetime | None:
    """A moment from its ISO form."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


READERS: dict[str, Reader] = {
    "text": as_text,
    "number": as_number,
    "bool": as_bool,
    "time": as_time,
    "postal": as_postal,
}
ANY_READERS: dict[str, Reader] = READERS | {"number": as_any_number, "bool": as_any_bool, "postal": as_any_postal}


def reader(kind: str, as_kind: str) -> Reader:
    """How a fact of one kind is read as another."""
    return (ANY_READERS if kind == "any" else READERS)[as_kind]
