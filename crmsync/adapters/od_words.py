"""How Odoo writes values and failures in its JSON-RPC."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from crmsync.adapters import columns
from crmsync.adapters.base import Value, Window
from crmsync.adapters.errors import (
    AdapterBug,
    AdapterError,
    AuthRevoked,
    Forbidden,
    Gone,
    Invalid,
    Locked,
    SchemaDrift,
)
from crmsync.adapters.wire import unclear
from leadmgmt.core.kept_words import worded

# The server's exceptions by name; a write that met any other one was rolled back by the server, too.
MEANINGS: dict[str, type[AdapterError]] = {
    "odoo.exceptions.AccessDenied": AuthRevoked,
    "odoo.exceptions.AccessError": Forbidden,
    "odoo.exceptions.MissingError": Gone,
    "odoo.exceptions.UserError": Invalid,
    "odoo.exceptions.ValidationError": Invalid,
    "odoo.exceptions.LockError": Locked,
    "psycopg2.errors.SerializationFailure": Locked,
    "psycopg2.errors.LockNotAvailable": Locked,
    "psycopg2.errors.DeadlockDetected": Locked,
    "psycopg2.errors.ForeignKeyViolation": Invalid,
    "psycopg2.errors.NotNullViolation": Invalid,
    "builtins.ValueError": SchemaDrift,
    "builtins.KeyError": SchemaDrift,
    "builtins.TypeError": AdapterBug,
}


def meaning(failed: Mapping[str, Any], is_write: bool) -> AdapterError:
    """An exception of the server in the contract's words."""
    data = failed.get("data") or {}
    name = str(data.get("name", ""))
    said = str(data.get("message") or failed.get("message") or "")[:500]
    if meaning := MEANINGS.get(name):
        return Invalid(said) if meaning is Invalid else meaning(said)
    return unclear(is_write, f"{name or 'unknown'}: {said}")


def stage_id(stage: Value) -> int:
    """A stage crosses as the id of its record. Raises Invalid."""
    try:
        return int(str(stage))
    except ValueError:
        raise Invalid(field_errors={"stage": worded("Odoo has no such stage.")}) from None


def plain(value: Value) -> Any:
    """False is how Odoo writes nothing; a number's fourteen digits are fewer than a double keeps."""
    if value is None:
        return False
    return float(value) if isinstance(value, Decimal) else columns.plain(value)


def written_as(when: datetime) -> str:
    """A moment in UTC to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def within(window: Window) -> list[list[str]]:
    """Records changed in a window; their stamps hold fractions of the second that is asked for."""
    return [
        ["write_date", ">=", written_as(window.lo)],
        ["write_date", "<", written_as(window.hi + timedelta(seconds=1))],
    ]
