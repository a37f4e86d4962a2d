"""TikTok lead forms. Unconfirmed: one implementer tells of this signature, another found none."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.channels import signatures
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, NotACall, Setting, Setup
from leads.channels.tree import Answers, entries, seconds, text
from leads.models import Capture

LEAD = 1
KNOWN = ("page_id", "advertiser_id", "campaign_id", "adgroup_id", "ad_id", "lead_source")


class TikTok(Hook):
    """Instant forms; the answers stand in the call."""

    about = gettext_lazy("In the developer app of your TikTok account: Webhooks, lead, with the address below.")
    settings = (Setting("app_secret", gettext_lazy("App secret"), kind="secret", is_required=True),)

    def verify(self, call: Call, setup: Setup) -> None:
        """Over the body with letters beyond ASCII escaped, or as it came. What is no lead is not kept, nor checked."""
        told = call.object()
        if told.get("object") != LEAD:
            return
        secret = setup.secret("app_secret")
        escaped = json.dumps(told, separators=(",", ":")).encode()
        allowed = [signatures.hexadecimal(secret, message) for message in (escaped, call.body)]
        signatures.check(call, "X-Open-Signature", *allowed)

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One for each entry."""
        told = call.object()
        if told.get("object") != LEAD:
            return []
        return [self._delivery(one) for one in entries(told, "entry")]

    def _delivery(self, one: Mapping[str, Any]) -> Delivery:
        number = text(one.get("id"))
        if not number:
            raise NotACall(_("An entry without an id."))
        return Delivery(one, external_id=number, occurred_at=seconds(one.get("create_time")))

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Answers by their field."""
        answers = Answers()
        answers.take_all((one.get("field"), one.get("value")) for one in entries(capture.payload, "changes"))
        more = {f"tiktok_{name}": text(capture.payload.get(name)) for name in KNOWN}
        return answers.payload(source="tiktok", subject="lead ad", **more)

    def example(self, url: str, setup: Setup) -> Call:
        """One entry."""
        changes = [{"field": "name", "value": "Test Person"}, {"field": "email", "value": "test@example.com"}]
        told = {"object": LEAD, "entry": [{"id": 1, "changes": changes, TEST_MARK: True}]}
        body = json.dumps(told, separators=(",", ":")).encode()
        sign = signatures.hexadecimal(setup.secret("app_secret"), body)
        return Call("POST", url, headers={"x-open-signature": sign}, body=body)
