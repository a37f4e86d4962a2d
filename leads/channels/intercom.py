"""Intercom: people who wrote in a chat or left an address there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.channels import signatures
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, NotACall, Setting, Setup
from leads.channels.tree import Answers, at, seconds, text
from leads.models import Capture

HEADER = "X-Hub-Signature"
TOPICS = frozenset(
    {
        "contact.lead.created",
        "contact.lead.added_email",
        "contact.lead.signed_up",
        "contact.user.created",
        "contact.created",
        "contact.email.updated",
    }
)


class Intercom(Hook):
    """Notifications about contacts."""

    touch: ClassVar[str] = "chat"
    about = gettext_lazy("In the developer hub, under Webhooks: the address below and the topics contact.lead.*.")
    settings = (
        Setting(
            "client_secret",
            gettext_lazy("Client secret"),
            gettext_lazy("The app's own, under Basic information. It signs every call."),
            kind="secret",
            is_required=True,
        ),
    )

    def verify(self, call: Call, setup: Setup) -> None:
        """SHA-1, as Intercom does it. A ping brings nothing that is kept, and comes without."""
        if call.object().get("topic") == "ping":
            return
        sign = signatures.hexadecimal(setup.secret("client_secret"), call.body, "sha1")
        signatures.check(call, HEADER, f"sha1={sign}")

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One for a contact; other topics are none of ours."""
        told = call.object()
        if text(told.get("topic")) not in TOPICS:
            return []
        item = at(told, "data", "item")
        number = text(at(item, "id"))
        if not isinstance(item, Mapping) or not number:
            raise NotACall(_("The notification holds no contact."))
        kept = dict(item) | ({TEST_MARK: True} if told.get(TEST_MARK) else {})
        return [Delivery(kept, external_id=number, occurred_at=seconds(told.get("created_at")))]

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """The contact."""
        told, answers = capture.payload, Answers()
        for name in ("name", "email", "phone"):
            answers.take(name, told.get(name), field=name)
        more = told.get("custom_attributes")
        if isinstance(more, Mapping):
            answers.take_all(more.items())
        answers.take("city", at(told, "location", "city") or at(told, "location_data", "city_name"))
        answers.take("country", at(told, "location", "country") or at(told, "location_data", "country_name"))
        names = {name: text(told.get(name)) for name in ("utm_source", "utm_medium", "utm_campaign")}
        # Without an address the contact's own id finds the person again.
        identity = {} if answers.ours.keys() & {"email", "phone"} else {"external_id": text(told.get("id"))}
        return answers.payload(subject="chat", referrer=text(told.get("referrer")), **names, **identity)

    def example(self, url: str, setup: Setup) -> Call:
        """A contact."""
        item = {"type": "contact", "id": "test", "name": "Test Person", "email": "test@example.com"}
        body = json.dumps({"topic": "contact.lead.created", "data": {"item": item}, TEST_MARK: True}).encode()
        sign = signatures.hexadecimal(setup.secret("client_secret"), body, "sha1")
        return Call("POST", url, headers={HEADER.lower(): f"sha1={sign}"}, body=body)
