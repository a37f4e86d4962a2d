"""How Salesforce is asked, and what its refusals mean."""

import re
from collections.abc import Mapping
from typing import Any

from crmsync.adapters.base import Limits
from crmsync.adapters.errors import (
    AdapterError,
    Ambiguous,
    AuthExpired,
    DuplicateSuspected,
    Forbidden,
    Gone,
    Invalid,
    Locked,
    QuotaExhausted,
    SchemaDrift,
    Unavailable,
)
from crmsync.adapters.wire import Reply
from leadmgmt.core.kept_words import worded

# Beside it there may be `per-app-api-usage`, which is another count.
USAGE = re.compile(r"(?<![a-z-])api-usage=(?P<used>\d{1,9})/(?P<most>\d{1,9})")

# What the vendor's error codes mean; all others are Invalid where the status is a 4xx.
MEANINGS: dict[str, type[AdapterError]] = {
    "INVALID_SESSION_ID": AuthExpired,
    "REQUEST_LIMIT_EXCEEDED": QuotaExhausted,
    "UNABLE_TO_LOCK_ROW": Locked,
    "ENTITY_IS_DELETED": Gone,
    "NOT_FOUND": Gone,
    "INVALID_FIELD": SchemaDrift,
    "INVALID_TYPE": SchemaDrift,
    "INSUFFICIENT_ACCESS": Forbidden,
    "INSUFFICIENT_ACCESS_OR_READONLY": Forbidden,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Forbidden,
    "API_DISABLED_FOR_ORG": Forbidden,
    # Another write with our key was quicker: the record is there, only a look says which.
    "DUPLICATE_VALUE": Ambiguous,
}


def literal(text: str) -> str:
    """A text in SOQL, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def like(text: str) -> str:
    """A text to be found by LIKE as it stands."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def limits(headers: Mapping[str, str]) -> Limits | None:
    """The calls of the last 24 hours, ours and everybody's: `Sforce-Limit-Info: api-usage=18/5000`."""
    found = USAGE.search(headers.get("sforce-limit-info", ""))
    if found is None:
        return None
    used, most = int(found["used"]), int(found["most"])
    return Limits(left=max(0, most - used), most=most)


def refusal(reply: Reply, is_write: bool) -> AdapterError | None:
    """What the vendor says in its own words, None where the status says it all."""
    if reply.status < 300:
        return None
    try:
        told = reply.json()
    except ValueError:
        return None
    return meaning(reply.status, told, is_write)


def meaning(status: int, told: Any, is_write: bool) -> AdapterError | None:
    """The vendor's list of {message, errorCode, fields} in the contract's words."""
    if status == 300:
        return DuplicateSuspected(worded("Several records carry our key."), candidates=[str(one) for one in told or ()])
    if status < 300:
        return None
    first = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
    code = first.get("errorCode", "")
    said = f"{code}: {first.get('message', '')}"[:500]
    if code == "DUPLICATES_DETECTED":
        return DuplicateSuspected(said, candidates=_candidates(first))
    if kind := MEANINGS.get(code):
        return kind(said) if is_write or kind is not Ambiguous else Unavailable(said)
    if code and 400 <= status < 500 and status not in (401, 429):
        return Invalid(said, field_errors={str(name): code for name in first.get("fields") or ()})
    return None


def _candidates(error: Mapping[str, Any]) -> list[str]:
    results = (error.get("duplicateResult") or {}).get("matchResults", ())
    return [match["record"]["Id"] for result in results for match in result.get("matchRecords", ())]
