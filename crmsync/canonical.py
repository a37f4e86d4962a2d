"""One form for equal values, so that what a CRM gives back can be compared with what it was given (CRM_CONTRACT 7).

The form is also what is stored as JSON: money without trailing zeros, text trimmed and in NFC, times in UTC, sets
sorted, the empty text the same as nothing.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Canonical = str | int | bool | list[str] | None


def canonical(value: Any) -> Canonical:
    """The form of one value."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return sorted(str(canonical(item)) for item in value)
    if isinstance(value, int):
        return value
    return unicodedata.normalize("NFC", str(value)).replace("\r\n", "\n").strip() or None


def _decimal(value: Decimal) -> str:
    """1250.00 and 1.25E+3 are both 1250; minus nothing is nothing."""
    plain = format(value.normalize(), "f")
    return "0" if plain == "-0" else plain


def canonical_all(values: Mapping[str, Any]) -> dict[str, Canonical]:
    """The form of many values."""
    return {name: canonical(value) for name, value in values.items()}


def digest(values: Mapping[str, Any]) -> str:
    """A hash that is equal for equal values."""
    plain = json.dumps(canonical_all(values), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()
