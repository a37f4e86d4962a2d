"""A quick look that spares most submissions the long one while somebody waits for an answer."""

from collections.abc import Mapping
from typing import Any

from leads.normalise.cells import TEXTS
from leads.normalise.email import is_plain

_READ_WITH_CARE = frozenset({"occurred_at", "consent", "external_id"})


def surely_readable(payload: Mapping[str, Any]) -> bool:
    """Whether the submission will certainly not be refused: a plain address, and texts wherever texts belong.

    False says nothing: then the submission has to be read.
    """
    email = payload.get("email")
    if not isinstance(email, str) or not is_plain(email):
        return False
    return all(
        isinstance(value, str) and name not in _READ_WITH_CARE
        for name, value in payload.items()
        if value is not None and (name in TEXTS or name == "consent")
    )
