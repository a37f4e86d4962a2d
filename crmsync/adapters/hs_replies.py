"""What HubSpot's refusals mean, and how it gives tokens."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crmsync.adapters.base import Limits
from crmsync.adapters.errors import (
    AdapterError,
    AuthExpired,
    AuthRevoked,
    DuplicateSuspected,
    Forbidden,
    Gone,
    Invalid,
    Locked,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    Unsent,
)
from crmsync.adapters.tokens import Grant
from crmsync.adapters.wire import Reply, once, retry_after
from leadmgmt.core.kept_words import worded

TOLD = ("daily-remaining", "daily", "max", "interval-milliseconds")
COMPLAINT = re.compile(r"\{[^{}]*\}")
EXISTING = re.compile(r"Existing ID: (\d+)")
# A property that is gone concerns the map, not the record.
MISSING = "PROPERTY_DOESNT_EXIST"


def limits(headers: Mapping[str, str]) -> Limits | None:
    """Calls of the day for a private app, and how many go within a window of some seconds. Search tells neither."""
    left, most, allowed, window = (_number(headers, name) for name in TOLD)
    if left is None and not (allowed and window):
        return None
    return Limits(left, most, 1000 * allowed / window if allowed and window else None)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    raw = headers.get(f"x-hubspot-ratelimit-{name}", "").strip()
    return int(raw[:9]) if raw.isdecimal() else None


def refusal(reply: Reply, is_write: bool) -> AdapterError | None:
    """What the vendor says in its own words, None where the status says it all."""
    if reply.status < 300 or reply.status >= 500:
        return None
    try:
        told = reply.json()
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    if reply.status == 429:
        policy = str(told.get("policyName", ""))
        if policy == "DAILY":
            return QuotaExhausted()
        return RateLimited(scope=policy, retry_after=retry_after(reply))
    return meaning(reply.status, told, is_write=is_write)


def meaning(status: int, told: Mapping[str, Any], *, is_write: bool) -> AdapterError:
    """One refusal in the contract's words."""
    category, message = str(told.get("category", "")), str(told.get("message", ""))[:500]
    if category in ("OBJECT_NOT_FOUND", "NOT_FOUND") or status in (404, 410):
        return Gone(worded("HubSpot has no such record."))
    if status == 409 or category == "CONFLICT":
        return DuplicateSuspected(worded("HubSpot has such a record already."), candidates=EXISTING.findall(message))
    if status == 423:
        return Locked(worded("HubSpot holds the record locked."))
    if status == 403 or category == "MISSING_SCOPES":
        return Forbidden(worded("The key lacks a scope for this."))
    complaints = [one for one in map(_read, COMPLAINT.findall(message)) if one]
    if any(one.get("error") == MISSING for one in complaints):
        names = [one.get("name", "") for one in complaints if one.get("error") == MISSING]
        return SchemaDrift(worded("Properties are missing: %(names)s.", names=", ".join(names)))
    if status == 401:
        return AuthExpired(worded("HubSpot does not accept the token."))
    fields = {one["name"]: one.get("error", "refused") for one in complaints if one.get("name")}
    return Invalid("" if fields else message, field_errors=fields)


def grant(address: str, kept: Mapping[str, str], refresh: str, deadline: datetime) -> Grant:
    """A fresh token for a refresh token. Raises AuthRevoked, Unsent."""
    more = {"grant_type": "refresh_token", "refresh_token": refresh or kept.get("refresh_token", "")}
    return _ask(address, kept, more, deadline)


def exchange(address: str, kept: Mapping[str, str], code: str, back: str, deadline: datetime) -> Grant:
    """The first token after a person has signed in. Raises AuthRevoked, Unsent."""
    return _ask(address, kept, {"grant_type": "authorization_code", "code": code, "redirect_uri": back}, deadline)


def _ask(address: str, kept: Mapping[str, str], more: Mapping[str, str], deadline: datetime) -> Grant:
    form = {"client_id": kept.get("client_id", ""), "client_secret": kept.get("client_secret", ""), **more}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    reply = once("POST", f"{address}/oauth/v1/token", deadline, is_write=False, headers=headers, data=form)
    try:
        told = reply.json()
    except ValueError:
        told = {}
    if reply.status == 200 and told.get("access_token"):
        return Grant(told["access_token"], float(told["expires_in"]), told.get("refresh_token", ""))
    if 400 <= reply.status < 500 and reply.status != 429:
        raise AuthRevoked(worded("HubSpot gives no token: %(status)s.", status=reply.status))
    raise Unsent(worded("HubSpot gave no token: %(status)s.", status=reply.status))


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
