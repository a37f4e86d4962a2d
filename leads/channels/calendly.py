"""Calendly: a booked meeting is the strongest interest there is; a cancelled one makes no lead."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.now import now
from leads.channels import signatures
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, NotACall, SetAside, Setting, Setup, Snippet
from leads.channels.tree import Answers, at, entries, moment, text
from leads.models import Capture

HEADER = "Calendly-Webhook-Signature"
BOOKED, CANCELED, ROUTED = "invitee.created", "invitee.canceled", "routing_form_submission.created"


class Calendly(Hook):
    """Webhook subscriptions of an organisation or a user."""

    touch: ClassVar[str] = "meeting"
    about = gettext_lazy("Make a webhook subscription with a signing key through Calendly's API, as shown below.")
    settings = (Setting("key", gettext_lazy("Signing key"), kind="secret", is_required=True),)

    def verify(self, call: Call, setup: Setup) -> None:
        """With its time: an old call is a recording."""
        signatures.check_calendly(call, setup.secret("key"))

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One for a booking, a form, a cancellation."""
        told = call.object()
        event, payload = told.get("event"), told.get("payload")
        if event not in (BOOKED, CANCELED, ROUTED):
            return []
        if not isinstance(payload, Mapping):
            raise NotACall(_("The call has no payload."))
        aside = None
        if event == CANCELED:
            aside = SetAside("ignored", "canceled", _("The meeting was called off. That makes no lead."))
        number = text(payload.get("uri")) or text(at(payload, "invitee", "uri")) or text(at(payload, "invitee", "uuid"))
        kept = {"event": event, "payload": dict(payload)} | ({TEST_MARK: True} if told.get(TEST_MARK) else {})
        return [Delivery(kept, external_id=number, occurred_at=moment(told.get("created_at")), aside=aside)]

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Who, when, and what they answered. An older shape has the person inside `invitee`."""
        payload = at(capture.payload, "payload")
        person = at(payload, "invitee") if isinstance(at(payload, "invitee"), Mapping) else payload
        answers = Answers()
        for name in ("email", "name", "first_name", "last_name"):
            answers.take(name, at(person, name), field=name)
        questions = entries(payload, "questions_and_answers") or entries(person, "questions_and_answers")
        for one in questions:
            answer = text(one.get("answer"))
            is_address = "@" in answer and " " not in answer and "email" not in answers.ours
            answers.take(one.get("question"), answer, field="email" if is_address else "")
        tracking = at(payload, "tracking")
        if isinstance(tracking, Mapping):
            answers.take_all((name, value) for name, value in tracking.items() if str(name).startswith("utm_"))
        meeting = at(payload, "scheduled_event")
        meeting = meeting if isinstance(meeting, Mapping) else at(payload, "event")
        return answers.payload(
            subject=text(at(meeting, "name")) or "meeting",
            meeting=text(at(meeting, "start_time")),
            calendly_time_zone=text(at(person, "timezone")),
        )

    def snippets(self, url: str, setup: Setup) -> Sequence[Snippet]:
        """How the subscription is made."""
        told = {
            "url": url,
            "events": [BOOKED, CANCELED],
            "organization": "https://api.calendly.com/organizations/<id>",
            "scope": "organization",
            "signing_key": "<signing key>",
        }
        line = 'curl https://api.calendly.com/webhook_subscriptions -H "Authorization: Bearer <token>" '
        line += f"-H 'Content-Type: application/json' -d '{json.dumps(told)}'"
        return [Snippet(gettext_lazy("Make the subscription"), line)]

    def example(self, url: str, setup: Setup) -> Call:
        """A booking."""
        person = {"email": "test@example.com", "name": "Test Person", "uri": "test", "questions_and_answers": []}
        body = json.dumps({"event": BOOKED, "payload": person, TEST_MARK: True}).encode()
        stamp = str(int(now().timestamp()))
        sign = signatures.hexadecimal(setup.secret("key"), stamp.encode() + b"." + body)
        return Call("POST", url, headers={HEADER.lower(): f"t={stamp},v1={sign}"}, body=body)
