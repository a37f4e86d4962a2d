"""HubSpot forms: submissions as a form sends them to HubSpot, and webhooks of an app about new contacts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.errors import PermanentError
from leads.channels import signatures
from leads.channels.asking import ask
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, NotACall, Setting, Setup, Unsigned
from leads.channels.tree import Answers, at, entries, milliseconds, text
from leads.models import Capture

API = "https://api.hubapi.com"
SIGNED = "X-HubSpot-Signature-v3"
MOST_FIELDS = 1000
PROPERTIES = "email,firstname,lastname,phone,company,jobtitle,city,state,zip,country,website,message,hs_language"


class HubSpot(Hook):
    """A form whose address was changed to ours, or an app's webhook."""

    about = gettext_lazy(
        "Either send a form's submissions to the address below, as you would send them to HubSpot's forms API, or "
        "subscribe an app to contact.creation with it."
    )
    settings = (
        Setting(
            "key",
            gettext_lazy("Key for submissions"),
            gettext_lazy("Any word of yours, sent as Authorization: Bearer. Without one every submission is taken."),
            kind="secret",
        ),
        Setting("open", gettext_lazy("Take submissions without a key (from a browser)"), kind="switch"),
        Setting("client_secret", gettext_lazy("Client secret of the app"), kind="secret"),
        Setting(
            "token",
            gettext_lazy("Token of a private app"),
            gettext_lazy("Reads contacts that a webhook tells of."),
            kind="secret",
        ),
        Setting("api", gettext_lazy("API"), placeholder=API),
    )

    def verify(self, call: Call, setup: Setup) -> None:
        """A webhook by its signature, a submission by its key, unless the channel is open."""
        if call.header(SIGNED):
            signatures.check_hubspot(call, setup.secret("client_secret"))
        elif setup.secrets.get("key"):
            signatures.check_bearer(call, setup.secret("key"))
        elif not setup.config.get("open"):
            raise Unsigned(_("Set a key for submissions, or open the channel to submissions without one."))

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """A submission, or the contacts that webhooks tell of."""
        told = call.json()
        if isinstance(told, list):
            if not call.header(SIGNED):
                raise signatures.missing(SIGNED)
            return [self._contact(one) for one in told if at(one, "subscriptionType") == "contact.creation"]
        if not isinstance(told, dict) or not isinstance(told.get("fields"), list):
            raise NotACall(_("A submission has a list of fields, each with name and value."))
        if len(told["fields"]) > MOST_FIELDS:
            raise NotACall(_("A submission has at most %(count)d fields.") % {"count": MOST_FIELDS})
        return [Delivery(told, occurred_at=milliseconds(told.get("submittedAt")))]

    def _contact(self, one: Any) -> Delivery:
        number = text(at(one, "objectId"))
        if not number:
            raise NotACall(_("An event without an objectId."))
        # Another attempt of the same event is the same.
        kept = {name: value for name, value in one.items() if name != "attemptNumber"}
        return Delivery(kept, external_id=number, occurred_at=milliseconds(one.get("occurredAt")))

    def needs_answer(self, capture: Capture) -> bool:
        """A webhook names the contact alone."""
        return "fields" not in capture.payload

    def fetch(self, capture: Capture, setup: Setup) -> Any:
        """The contact's properties."""
        base = (setup.text("api") or API).rstrip("/")
        number = quote(text(capture.payload.get("objectId")), safe="")
        url = f"{base}/crm/v3/objects/contacts/{number}?properties={PROPERTIES}"
        found = ask(url, headers={"Authorization": f"Bearer {setup.secret('token')}"}, service="HubSpot")
        if not isinstance(found.get("properties"), dict):
            raise PermanentError("HubSpot's answer holds no properties.")
        return found

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Fields by HubSpot's names; consent as it was given."""
        answers, told = Answers(), capture.payload
        properties = at(capture.fetched, "properties")
        if isinstance(properties, Mapping):
            answers.take_all(properties.items())
            return answers.payload(source="hubspot")
        for one in entries(told, "fields"):
            answers.take(one.get("name"), one.get("value"))
        page = text(at(told, "context", "pageUri"))
        subject = text(at(told, "context", "pageName"))
        return answers.payload(landing_page=page[:500], subject=subject[:200], consent=_consent(told))

    def example(self, url: str, setup: Setup) -> Call:
        """A submission."""
        told = {"fields": [{"name": "email", "value": "test@example.com"}], TEST_MARK: True}
        headers = {"authorization": f"Bearer {setup.secrets['key']}"} if setup.secrets.get("key") else {}
        return Call("POST", url, headers=headers, body=json.dumps(told).encode())


def _consent(told: Mapping[str, Any]) -> dict[str, Any]:
    """E-mail where a communication was agreed to; its words are those that were shown."""
    given = at(told, "legalConsentOptions", "consent")
    for one in entries(given, "communications"):
        if isinstance(one.get("value"), bool):
            return {"email": {"granted": one["value"], "text": text(one.get("text"))}}
    return {}
