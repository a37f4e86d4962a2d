"""How calls prove where they come from. Everything is compared in constant time; nothing but bytes is believed."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from urllib.parse import unquote

from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leadmgmt.core.secrets import same
from leads.channels.base import Call, Unsigned
from leads.channels.tree import milliseconds, seconds

# How old a signed call may be, and how far a sender's clock may go ahead.
WINDOW = timedelta(minutes=5)


def wrong() -> Unsigned:
    """The refusal of a call whose signature does not fit."""
    return Unsigned(_("The signature does not fit this call. See whether the key in the channel is the service's."))


def missing(header: str) -> Unsigned:
    """The refusal of a call that brings none."""
    return Unsigned(_("The call is not signed: %(header)s is missing.") % {"header": header})


def digest(secret: str, message: bytes, algorithm: str = "sha256") -> bytes:
    """The HMAC."""
    return hmac.new(secret.encode(), message, algorithm).digest()


def hexadecimal(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    """The HMAC in hex."""
    return digest(secret, message, algorithm).hex()


def base64ed(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    """The HMAC in base64."""
    return base64.b64encode(digest(secret, message, algorithm)).decode()


def check(call: Call, header: str, *allowed: str) -> None:
    """Raise Unsigned unless the header holds one of the ``allowed`` values."""
    sent = call.header(header).strip()
    if not sent:
        raise missing(header)
    check_value(sent, *allowed)


def check_value(sent: str, *allowed: str) -> None:
    """Raise Unsigned unless ``sent`` is one of the ``allowed`` values."""
    # All are compared, so that the time taken says nothing.
    fits = [same(sent, one) for one in allowed]
    if not any(fits):
        raise wrong()


def check_age(at: datetime | None) -> None:
    """Raise Unsigned for a call that is too old or from the future: somebody may be playing a recording."""
    if at is None or abs(now() - at) > WINDOW:
        raise Unsigned(_("The call's time is missing or more than five minutes off."), code="stale")


def check_calendly(call: Call, secret: str) -> None:
    """`Calendly-Webhook-Signature: t=…,v1=…` over time, dot and body."""
    sent = call.header("Calendly-Webhook-Signature")
    if not sent:
        raise missing("Calendly-Webhook-Signature")
    parts = dict(part.strip().partition("=")[::2] for part in sent.split(","))
    stamp = parts.get("t", "")
    if not same(parts.get("v1", ""), hexadecimal(secret, stamp.encode() + b"." + call.body)):
        raise wrong()
    check_age(seconds(stamp))


# HubSpot signs the address with these signs written plainly.
HUBSPOT_PLAIN = {"%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "("}
HUBSPOT_PLAIN |= {"%29": ")", "%2A": "*", "%2C": ",", "%3B": ";"}


def check_hubspot(call: Call, secret: str) -> None:
    """`X-HubSpot-Signature-v3` over method, public address, body and time."""
    stamp = call.header("X-HubSpot-Request-Timestamp")
    start = call.method.encode()
    end = call.body + stamp.encode()
    signs = [base64ed(secret, start + url.encode() + end) for url in {call.url, _plain(call.url)}]
    check(call, "X-HubSpot-Signature-v3", *signs)
    check_age(milliseconds(stamp))


def _plain(url: str) -> str:
    for written, plain in HUBSPOT_PLAIN.items():
        url = url.replace(written, plain).replace(written.lower(), plain)
    return url


def check_bearer(call: Call, secret: str) -> None:
    """`Authorization: Bearer …`."""
    check(call, "Authorization", f"Bearer {secret}")


def check_basic(call: Call, user: str, secret: str) -> None:
    """`Authorization: Basic …`, as a header; services that write it into the address send it so too."""
    check(call, "Authorization", basic(user, secret))


def basic(user: str, secret: str) -> str:
    """The header's value."""
    return "Basic " + base64.b64encode(f"{unquote(user)}:{secret}".encode()).decode()


ALGORITHMS = tuple(name for name in ("sha256", "sha512", "sha1") if name in hashlib.algorithms_available)
