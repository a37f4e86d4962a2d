"""HubSpot's webhooks: our own check of signature version 3, and the records that a batch of events names.

The signature covers method, address, body and time. The address is the public one from our configuration, never a
forwarded header; a few characters stand in it decoded, as HubSpot signs them.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crmsync.adapters.base import DEAL, Hint, RawRequest
from crmsync.adapters.errors import BadSignature, Malformed, Stale
from leadmgmt.core.now import now

OLDEST = timedelta(minutes=5)
FURTHEST = timedelta(seconds=60)
DEALS = ("deal", "0-3")
DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}


def parse(raw: RawRequest, secrets: Sequence[str]) -> list[Hint]:
    """The deals that a batch speaks of. Raises BadSignature, Stale, Malformed."""
    headers = {name.lower(): value for name, value in raw.headers.items()}
    given, sent = headers.get("x-hubspot-signature-v3", ""), headers.get("x-hubspot-request-timestamp", "")
    if not given or not sent.isdecimal() or not given.isascii() or not sent.isascii():
        raise BadSignature("The request is not signed.")
    if not any(hmac.compare_digest(given, signature(secret, raw, sent)) for secret in secrets if secret):
        raise BadSignature("The signature is not ours.")
    at = datetime.fromtimestamp(int(sent[:15]) / 1000, UTC)
    if not now() - OLDEST <= at <= now() + FURTHEST:
        raise Stale("The request was signed at another time.")
    try:
        events = json.loads(raw.body)
    except ValueError as error:
        raise Malformed("The body is no JSON.") from error
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise Malformed("The body is no list of events.")
    return [hint for event in events for hint in _hints(event)]


def signature(secret: str, raw: RawRequest, sent: str) -> str:
    """What HubSpot writes for this request."""
    address = raw.url
    for escaped, plain in DECODED.items():
        address = address.replace(escaped, plain).replace(escaped.lower(), plain)
    said = raw.method.upper().encode() + address.encode() + raw.body + sent.encode()
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()


def _hints(event: Mapping[str, Any]) -> list[Hint]:
    """One for each deal that the event names; those of other kinds concern nobody."""
    kind, _, change = str(event.get("subscriptionType", "")).partition(".")
    if kind not in DEALS and event.get("objectTypeId") not in DEALS:
        return []
    named = [event.get("objectId"), event.get("primaryObjectId"), *(event.get("mergedObjectIds") or ())]
    ids = dict.fromkeys(str(one) for one in named if one)
    at = event.get("occurredAt")
    when = datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else None
    seed = [
        str(event.get(name))
        for name in ("portalId", "subscriptionType", "objectId", "propertyName", "occurredAt", "eventId")
    ]
    return [
        Hint(one, DEAL, hashlib.sha256("|".join(["hubspot", *seed, one]).encode()).hexdigest(), when, change)
        for one in ids
    ]
