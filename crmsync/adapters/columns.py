"""Our names for a deal's fields and a CRM's, and the values between them; shared by the adapters.

A field that is not mapped is neither sent nor read. ``config["fields"]`` of a connection names other fields than the
adapter's own, or none (an empty name); ``config["paused"]`` are those of a deal that rest, as their field there is
not as it was.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crmsync.adapters.base import DEAL, Value

DATES = frozenset({"close_on"})
AMOUNTS = frozenset({"amount"})


class Columns:
    """The map of one kind of record: ours → theirs."""

    def __init__(self, own: Mapping[str, str], config: Mapping[str, Any], kind: str) -> None:
        chosen: Mapping[str, str] = config.get("fields", {}).get(kind, {})
        merged: dict[str, str] = {**own, **chosen}
        resting = config.get("paused", ()) if kind == DEAL else ()
        self._theirs: dict[str, str] = {
            ours: theirs for ours, theirs in merged.items() if theirs and ours not in resting
        }

    def __contains__(self, name: str) -> bool:
        return name in self._theirs

    def theirs(self, name: str) -> str:
        """The CRM's name of a field of ours that is mapped."""
        return self._theirs[name]

    def as_map(self) -> dict[str, str]:
        """What is mapped, ours → theirs."""
        return dict(self._theirs)

    def all_theirs(self) -> list[str]:
        """The CRM's fields to read."""
        return sorted(set(self._theirs.values()))

    def outgoing(self, values: Mapping[str, Value], but: Iterable[str] = ()) -> dict[str, Value]:
        """Values under the CRM's names; ``but`` those that the adapter puts there in another way."""
        skipped = frozenset(but)
        return {
            self._theirs[name]: value for name, value in values.items() if name in self._theirs and name not in skipped
        }

    def incoming(self, record: Mapping[str, Any], but: Iterable[str] = ()) -> dict[str, Value]:
        """A record of the CRM under our names, each value in its own type."""
        skipped = frozenset(but)
        return {
            ours: read_value(ours, record.get(theirs)) for ours, theirs in self._theirs.items() if ours not in skipped
        }


def read_value(name: str, raw: Any) -> Value:
    """A value as the CRM gave it in the type that a field of ours has; what fits no type stays the text it is."""
    if raw is None or raw == "" or raw is False:
        return None
    if name in AMOUNTS:
        return _amount(raw)
    if name in DATES:
        return _day(raw)
    return str(raw)


def plain(value: Value) -> Any:
    """A value as JSON has it; money as text of digits, never as a float."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def stamp(when: datetime) -> str:
    """A moment in UTC to the millisecond, as most CRMs write it."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(raw: Any) -> datetime:
    """A moment that a CRM wrote, in UTC where it names no zone. ValueError where it is none."""
    found = datetime.fromisoformat(str(raw).replace("Z", "+00:00"))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _amount(raw: Any) -> Value:
    try:
        found = Decimal(str(raw))
    except InvalidOperation:
        return str(raw)
    return found if found.is_finite() else str(raw)


def _day(raw: Any) -> Value:
    try:
        return date.fromisoformat(str(raw)[:10])
    except ValueError:
        return str(raw)
