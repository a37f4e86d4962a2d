"""Calls of other services as they are described beside the checkout, signed anew where their time counts."""

import base64
import hmac
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from leads.models import Channel
from leads.services.credentials import put_credentials
from tests.leads.shared import FOLDER

FIXTURES = FOLDER / "payloads" / "fixtures"
needs_payloads = pytest.mark.skipif(not FIXTURES.is_dir(), reason="../shared/data/payloads is not there")

# Kind of channel and the credential that the fixture's secret is, by the beginning of its name.
KINDS = {
    "meta_verify": ("meta", "verify_token"),
    "meta": ("meta", "app_secret"),
    "google_ads": ("google_ads", "key"),
    "linkedin": ("linkedin", "client_secret"),
    "tiktok": ("tiktok", "app_secret"),
    "typeform": ("typeform", "secret"),
    "calendly": ("calendly", "key"),
    "intercom": ("intercom", "client_secret"),
    "hubspot_webhook": ("hubspot", "client_secret"),
    "hubspot_form": ("hubspot", "key"),
    "salesforce": ("salesforce", ""),
}


def fixture(name: str) -> dict[str, Any]:
    """One described call."""
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return found


def kind_of(name: str) -> tuple[str, str]:
    """The kind of channel it is for, and which credential its secret is."""
    return next(found for start, found in KINDS.items() if name.startswith(start))


def channel_for(told: dict[str, Any], **config: Any) -> Channel:
    """A channel that knows the fixture's secret."""
    kind, credential = kind_of(told["name"])
    channel, _made = Channel.objects.get_or_create(slug=kind.replace("_", "-"), kind=kind, defaults={"name": kind})
    if told["secret"]:
        put_credentials(channel, {credential: told["secret"]})
    channel.config = {**channel.config, **config}
    channel.save()
    return channel


def mac(secret: str, message: str, algorithm: str = "sha256") -> bytes:
    """A signature."""
    return hmac.new(secret.encode(), message.encode(), algorithm).digest()


def resigned(told: dict[str, Any]) -> dict[str, Any]:
    """The same call, made now."""
    at, headers = int(time.time()), dict(told["headers"])
    if "Calendly-Webhook-Signature" in headers:
        sign = mac(told["secret"], f"{at}.{told['body']}").hex()
        headers["Calendly-Webhook-Signature"] = f"t={at},v1={sign}"
    return {**told, "headers": headers}


def send(told: dict[str, Any], channel: Channel, client: Client | None = None) -> Any:
    """Make the call."""
    client = client or Client()
    query = urlsplit(told["path"]).query
    url = f"/api/v1/hooks/{channel.slug}/" + (f"?{query}" if query else "")
    headers = {name: value for name, value in told["headers"].items() if name != "Content-Type"}
    if told["method"] == "GET":
        return client.get(url, headers=headers)
    kind = told["headers"].get("Content-Type", "application/json")
    return client.generic("POST", url, told["body"].encode(), content_type=kind, headers=headers)


def hubspot_signed(told: dict[str, Any], url: str) -> dict[str, Any]:
    """HubSpot's signature covers the address and the time."""
    stamp = str(int(time.time() * 1000))
    sign = base64.b64encode(mac(told["secret"], f"POST{url}{told['body']}{stamp}")).decode()
    return {**told, "headers": {"X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature-v3": sign}}
