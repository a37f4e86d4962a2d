"""Meta Lead Ads (Facebook, Instagram): the webhook says that there is a lead, the Graph API what was answered."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.errors import PermanentError
from leadmgmt.core.secrets import same
from leads.channels import signatures
from leads.channels.asking import ask
from leads.channels.base import Call, Delivery, Hook, NotACall, SetAside, Setting, Setup, Snippet, Unsigned
from leads.channels.tree import Answers, at, entries, seconds, text
from leads.models import Capture

GRAPH, VERSION = "https://graph.facebook.com", "v21.0"
FIELDS = "created_time,id,ad_id,ad_name,adset_id,campaign_id,campaign_name,form_id,field_data,is_organic,platform"
# How Meta's own testing tool fills in fields.
DUMMY = "<test lead: dummy data"
HEADER = "X-Hub-Signature-256"


class Meta(Hook):
    """`leadgen` changes of pages."""

    about = gettext_lazy(
        "In the app's dashboard: Webhooks, object Page, field leadgen, with the address and the verify token below. "
        "Then subscribe the page to the app."
    )
    settings = (
        Setting(
            "verify_token",
            gettext_lazy("Verify token"),
            gettext_lazy("Any word of yours; enter the same one at Meta."),
            kind="secret",
            is_required=True,
        ),
        Setting(
            "app_secret",
            gettext_lazy("App secret"),
            gettext_lazy("App settings, Basic. It signs every call."),
            kind="secret",
            is_required=True,
        ),
        Setting(
            "page_token",
            gettext_lazy("Page access token"),
            gettext_lazy("A lasting token with the right leads_retrieval: by it the answers are fetched."),
            kind="secret",
            is_required=True,
        ),
        Setting("graph", gettext_lazy("Graph API"), placeholder=GRAPH),
        Setting("version", gettext_lazy("Version of the Graph API"), placeholder=VERSION),
    )

    def challenge(self, call: Call, setup: Setup) -> HttpResponse:
        """Give the challenge back to whoever knows the verify token."""
        token = call.query.get("hub.verify_token", "")
        if call.query.get("hub.mode") != "subscribe" or not same(token, setup.secret("verify_token")):
            raise Unsigned(_("The verify token is not the one in the channel."), status=403)
        return HttpResponse(call.query.get("hub.challenge", "")[:200], content_type="text/plain")

    def verify(self, call: Call, setup: Setup) -> None:
        """By the app secret over the body."""
        signatures.check(call, HEADER, "sha256=" + signatures.hexadecimal(setup.secret("app_secret"), call.body))

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One for each lead; other changes of a page are none of ours."""
        body = call.object()
        changes = [change for entry in entries(body, "entry") for change in entries(entry, "changes")]
        return [self._delivery(at(one, "value")) for one in changes if one.get("field") == "leadgen"]

    def _delivery(self, value: Any) -> Delivery:
        number = text(at(value, "leadgen_id"))
        if not isinstance(value, Mapping) or not number.isascii() or not number.isdigit():
            raise NotACall(_("A leadgen change without a leadgen_id."))
        return Delivery(value, external_id=number, occurred_at=seconds(value.get("created_time")))

    def needs_answer(self, capture: Capture) -> bool:
        """Always: the webhook holds ids alone."""
        return "field_data" not in capture.payload

    def fetch(self, capture: Capture, setup: Setup) -> Any:
        """The lead as the Graph API tells it."""
        number = quote(text(capture.payload.get("leadgen_id")), safe="")
        found = self._ask(setup, f"{number}?fields={FIELDS}")
        if not isinstance(found.get("field_data"), list):
            raise PermanentError("Meta's answer holds no field_data.")
        return found

    def _ask(self, setup: Setup, path: str) -> dict[str, Any]:
        base = (setup.text("graph") or GRAPH).rstrip("/")
        url = f"{base}/{setup.text('version') or VERSION}/{path}"
        return ask(url, headers={"Authorization": f"Bearer {setup.secret('page_token')}"}, service="Meta")

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Answers by Meta's names of the fields; several choices stay several."""
        told = capture.fetched if isinstance(capture.fetched, Mapping) else capture.payload
        answers = Answers()
        for one in entries(told, "field_data"):
            values = one.get("values")
            values = values if isinstance(values, list) else [values]
            if any(isinstance(value, str) and value.startswith(DUMMY) for value in values):
                raise SetAside("test", "test", _("Sent by Meta's testing tool."))
            answers.take(one.get("name"), values[0] if len(values) == 1 else values)
        for one in entries(told, "custom_disclaimer_responses"):
            answers.take(one.get("checkbox_key"), one.get("is_checked"))
        known = ("ad_id", "ad_name", "adset_id", "campaign_id", "form_id", "platform", "is_organic")
        more = {f"meta_{name}": text(told.get(name) or capture.payload.get(name)) for name in known}
        return answers.payload(source="meta", campaign=text(told.get("campaign_name")), subject="lead ad", **more)

    def checks(self, setup: Setup) -> Sequence[tuple[str, str]]:
        """Whether the token opens the Graph API."""
        found = self._ask(setup, "me?fields=name")
        return [(_("Meta knows the token"), text(found.get("name")))]

    def snippets(self, url: str, setup: Setup) -> Sequence[Snippet]:
        """How the page is subscribed."""
        line = f'curl -X POST "{GRAPH}/{VERSION}/<page-id>/subscribed_apps?subscribed_fields=leadgen"'
        line += ' -H "Authorization: Bearer <page token>"'
        return [Snippet(gettext_lazy("Subscribe the page"), line)]
