"""Typeform: one response in each call, answers by reference, titles in the definition."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.channels import signatures
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, NotACall, Setting, Setup
from leads.channels.tree import Answers, at, entries, moment, our_name, text
from leads.models import Capture

HEADER = "Typeform-Signature"
# What the type of a question says of its answer.
BY_TYPE = {"email": "email", "phone_number": "phone"}


class Typeform(Hook):
    """Webhooks of a form."""

    about = gettext_lazy("In the form: Connect, Webhooks, Add a webhook. Edit it to set a secret, and enter it below.")
    settings = (Setting("secret", gettext_lazy("Secret"), kind="secret", is_required=True),)

    def verify(self, call: Call, setup: Setup) -> None:
        """In base64, over the body."""
        signatures.check(call, HEADER, "sha256=" + signatures.base64ed(setup.secret("secret"), call.body))

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One for a response."""
        told = call.object()
        if told.get("event_type") != "form_response":
            return []
        token = text(at(told, "form_response", "token"))
        if not token:
            raise NotACall(_("The response has no token."))
        # The envelope changes when the same response is sent again.
        kept = dict(at(told, "form_response")) | ({TEST_MARK: True} if told.get(TEST_MARK) else {})
        return [Delivery(kept, external_id=token, occurred_at=moment(at(told, "form_response", "submitted_at")))]

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Answers by the reference of their question, or by its title."""
        told = capture.payload
        titles = {text(one.get("ref")): text(one.get("title")) for one in entries(told, "definition", "fields")}
        answers = Answers()
        for one in entries(told, "answers"):
            reference = text(at(one, "field", "ref"))
            kind = text(one.get("type"))
            field = BY_TYPE.get(kind) or our_name(reference) or our_name(titles.get(reference, ""))
            answers.take(titles.get(reference) or reference, _answer(kind, one), field=field)
        hidden = told.get("hidden")
        if isinstance(hidden, Mapping):
            answers.take_all(hidden.items())
        if (score := at(told, "calculated", "score")) is not None:
            answers.take("typeform_score", score)
        return answers.payload(subject=text(at(told, "definition", "title")))

    def example(self, url: str, setup: Setup) -> Call:
        """One response."""
        response = {"token": "test", "answers": [{"type": "email", "email": "test@example.com", "field": {"ref": "e"}}]}
        told = {"event_type": "form_response", "form_response": response, TEST_MARK: True}
        body = json.dumps(told).encode()
        sign = "sha256=" + signatures.base64ed(setup.secret("secret"), body)
        return Call("POST", url, headers={HEADER.lower(): sign}, body=body)


def _answer(kind: str, one: Mapping[str, Any]) -> Any:
    value = one.get(kind)
    if isinstance(value, Mapping):
        return at(value, "labels") or at(value, "label") or at(value, "other")
    return value
