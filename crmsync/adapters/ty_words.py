"""How Tryton writes values and failures in its JSON-RPC."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from crmsync.adapters.base import Value
from crmsync.adapters.errors import AdapterError, AuthRevoked, Invalid, SchemaDrift, VersionConflict
from crmsync.adapters.wire import unclear
from leadmgmt.core.kept_words import worded


def meaning(failed: Sequence[Any], is_write: bool) -> AdapterError:
    """``[name, arguments]`` of an exception in the contract's words."""
    name, detail = str(failed[0]), failed[1] if len(failed) > 1 else ""
    said = str(detail[0] if isinstance(detail, list) and detail else detail)[:500]
    if name == "ConcurrencyException":
        return VersionConflict()
    if name in ("UserError", "UserWarning"):
        return Invalid(said)
    if name == "LoginException":
        return AuthRevoked(worded("Tryton asks for another sign-in."))
    if name.startswith("'"):
        # A KeyError as it stands: a field or model that is not there.
        return SchemaDrift(worded("Tryton does not know %(name)s.", name=name))
    return unclear(is_write, f"{name}: {said}")


def marked(values: dict[str, Value]) -> dict[str, Value]:
    """A deal of anybody's (`account` says whose) with the marks that tell whether it is over."""
    if "account" not in values:
        return values
    state = values.get("state")
    won = state in ("converted", "won")
    return {**values, "is_won": won, "is_closed": won or state in ("lost", "cancelled")}


def options(field: Mapping[str, Any]) -> tuple[str, ...]:
    """What a selection allows, where it says so."""
    told = field.get("selection")
    return tuple(str(option[0]) for option in told) if isinstance(told, list) else ()


def plain(value: Value) -> Any:
    """A value of ours as it crosses."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": format(value, "f")}
    if isinstance(value, date) and not isinstance(value, datetime):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    return value


def moment(when: datetime) -> dict[str, Any]:
    """A moment as it crosses, in UTC."""
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(when.astimezone(UTC), part) for part in parts}}


def read(record: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A record flat, “employee.party.email” for nested ones, each value in its type."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and "__class__" not in value:
            flat |= read(value, f"{before}{name}")
        else:
            flat[before + name] = typed(value)
    return flat


def typed(value: Any) -> Any:
    """A value of theirs in its type."""
    if not isinstance(value, dict):
        return value
    if value["__class__"] == "Decimal":
        return Decimal(value["decimal"])
    parts = {name: part for name, part in value.items() if name != "__class__"}
    return date(**parts) if value["__class__"] == "date" else datetime(**parts, tzinfo=UTC)
