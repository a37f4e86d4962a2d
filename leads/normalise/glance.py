"""A quick look that spares most submissions the long one while somebody waits for an answer."""

import re
from collections.abc import Mapping
from typing import Any

from email_validator import SPECIAL_USE_DOMAIN_NAMES

from leads.normalise.cells import TEXTS

# Plain addresses as nearly all are; whatever else may be valid too is left to the full reading.
_PLAIN = re.compile(
    r"[a-z0-9_]+(?:[.+-][a-z0-9_]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,24})", re.IGNORECASE | re.ASCII
)
_SPECIAL = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)
_READ_WITH_CARE = frozenset({"occurred_at", "consent", "external_id"})


def surely_readable(payload: Mapping[str, Any]) -> bool:
    """Whether the submission will certainly not be refused: a plain address, and texts wherever texts belong.

    False says nothing: then the submission has to be read.
    """
    email = payload.get("email")
    if not isinstance(email, str) or len(email) > 120:
        return False
    found = _PLAIN.fullmatch(email)
    if found is None or found[1].lower() in _SPECIAL or email.index("@") > 60 or "--" in email:
        return False
    return all(
        isinstance(value, str) and name not in _READ_WITH_CARE
        for name, value in payload.items()
        if value is not None and (name in TEXTS or name == "consent")
    )
