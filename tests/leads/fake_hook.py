"""A service that calls us, as simple as one can be: a signature, a list of people, an answer to fetch."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from leadmgmt.core.secrets import same
from leads import channels
from leads.channels.base import Call, Delivery, Hook, NotACall, SetAside, Setting, Setup, Unsigned
from leads.models import Capture

SECRET = "a shared secret"  # of a test


def signature(body: bytes, secret: str = SECRET) -> str:
    """What the service sends in its header."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(tree: Any) -> tuple[str, dict[str, str]]:
    """A body and its headers."""
    body = json.dumps(tree)
    return body, {"X-Signature": signature(body.encode())}


class FakeHook(Hook):
    """The service."""

    settings = (Setting("key", "Signing key", kind="secret", is_required=True), Setting("note", "Note"))
    about = "A survey."

    @staticmethod
    def registry() -> dict[str, Hook]:
        """Where services are known by their kind."""
        return channels.HOOKS

    def verify(self, call: Call, setup: Setup) -> None:
        """By the header."""
        if not same(call.header("X-Signature"), signature(call.body, setup.secret("key"))):
            raise Unsigned("The signature is wrong.")

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One person, or a list."""
        told = call.json()
        return [self._delivery(one) for one in (told if isinstance(told, list) else [told])]

    def _delivery(self, one: Any) -> Delivery:
        if not isinstance(one, dict):
            raise NotACall("A person is an object.")
        aside = SetAside("test", "test", "A test of the service.") if one.get("is_test") else None
        return Delivery(one, external_id=str(one["id"]), aside=aside)

    def needs_answer(self, capture: Capture) -> bool:
        """Where only an id was sent."""
        return bool(capture.payload.get("ask"))

    def fetch(self, capture: Capture, setup: Setup) -> Any:
        """The answer."""
        return {"email": f"asked-{capture.payload['id']}@firm.example"}

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """It speaks our language."""
        return {"email": (capture.fetched or capture.payload).get("email", "")}

    def example(self, url: str, setup: Setup) -> Call:
        """A test."""
        body = json.dumps({"id": "test", "email": "test@example.com", "is_test": True}).encode()
        return Call("POST", url, headers={"x-signature": signature(body, setup.secret("key"))}, body=body)
