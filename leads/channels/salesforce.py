"""Salesforce Web-to-Lead: a form that is there already changes its address and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, SetAside, Setting, Setup, Snippet
from leads.channels.posted import FORM, fields
from leads.channels.tree import Answers
from leads.models import Capture

FIELDS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "company": "company",
    "title": "job_title",
    "city": "city",
    "state": "region",
    "zip": "postal_code",
    "country": "country",
    "country_code": "country",
    "URL": "website",
    "description": "message",
    "lead_source": "source",
    "Campaign_ID": "campaign",
}
# What steers the form and says nothing of the person.
STEERING = frozenset({"oid", "retURL", "encoding", "debug", "debugEmail", "submit", "captcha_settings", TEST_MARK})
NEEDED = ("last_name", "company")
LONGEST = {"first_name": 40, "last_name": 80, "email": 80, "company": 40}
# Fields that no person sees.
TRAPS = ("website_hp", "homepage_url", "honeypot")
ONLY_DIGITS = 15


class Salesforce(Hook):
    """`servlet.WebToLead` at our address."""

    about = gettext_lazy("In your page's form, replace the action's address by the one below. All fields stay.")
    settings = (
        Setting(
            "hosts",
            gettext_lazy("Hosts to lead back to"),
            gettext_lazy("One per line. A retURL on any other host shows our own thank-you page."),
            kind="lines",
            placeholder="www.firm.example",
        ),
        Setting("oid", gettext_lazy("Organisation id"), gettext_lazy("If set, forms with another oid are refused.")),
        Setting("strict", gettext_lazy("Ask for last name and company, as Salesforce does"), kind="switch"),
        Setting("debug", gettext_lazy("Answer debug=1 with what was understood"), kind="switch"),
    )

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One; nothing where a debugging form only wants to know."""
        told = _told(call)
        if setup.text("oid") and (told.get("oid", [""])[0])[:ONLY_DIGITS] != setup.text("oid")[:ONLY_DIGITS]:
            raise InvalidInput(_("The form's oid is not this organisation's."), fields={"oid": _("Another one.")})
        if _is_debugging(told, setup):
            return []
        lacking = [name for name in NEEDED if setup.config.get("strict") and not told.get(name, [""])[0].strip()]
        if lacking:
            raise InvalidInput(
                _("Something is missing."), fields={name: _("This is needed to answer you.") for name in lacking}
            )
        if not any(value.strip() for name in ("email", "phone", "mobile") for value in told.get(name, [])):
            message = _("Enter an e-mail address or a phone number, else nobody can answer you.")
            raise InvalidInput(message, fields={"email": message})
        kept = {name: values[0] if len(values) == 1 else values for name, values in told.items()}
        return [Delivery(kept, aside=_aside(told))]

    def answer(self, call: Call, setup: Setup, captures: Sequence[Capture]) -> HttpResponse:
        """Back to where the form wants to, if that is one of ours; else a thank-you page."""
        told = _told(call)
        if _is_debugging(told, setup):
            understood = sorted(_read({name: values[0] for name, values in told.items()}, setup.config).items())
            return HttpResponse(render_to_string("leads/web_to_lead.html", {"understood": understood}))
        back = told.get("retURL", [""])[0]
        if _is_allowed(back, setup.config.get("hosts")):
            return HttpResponseRedirect(back)
        return HttpResponse(render_to_string("leads/web_to_lead.html", {}))

    def refuse(self, call: Call, setup: Setup, error: DomainError) -> HttpResponse:
        """A page that says what to mend; the browser's way back keeps what was typed."""
        told = {"error": str(error), "fields": error.fields.items()}
        return HttpResponse(render_to_string("leads/web_to_lead.html", told), status=error.status)

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """By Salesforce's names; `00N…` by the channel's mapping."""
        return _read(capture.payload, capture.channel.config)

    def snippets(self, url: str, setup: Setup) -> Sequence[Snippet]:
        """The line to change."""
        return [Snippet(gettext_lazy("The form's first line"), f'<form action="{url}" method="POST">')]

    def example(self, url: str, setup: Setup) -> Call:
        """A filled-in form."""
        told = {"oid": setup.text("oid"), "first_name": "Test", "last_name": "Person", "company": "Example"}
        body = urlencode({**told, "email": "test@example.com", TEST_MARK: "1"})
        return Call("POST", url, headers={"content-type": FORM}, body=body.encode())


def _told(call: Call) -> dict[str, list[str]]:
    return fields(call, charset=call.query.get("encoding", ""))


def _is_debugging(told: Mapping[str, list[str]], setup: Setup) -> bool:
    return bool(setup.config.get("debug")) and told.get("debug", [""])[0] in ("1", "true")


def _aside(told: Mapping[str, list[str]]) -> SetAside | None:
    if any(value.strip() for name in TRAPS for value in told.get(name, [])):
        return SetAside("quarantined", "trap", _("A field that no person sees was filled in."))
    return None


def _is_allowed(back: str, hosts: Any) -> bool:
    """Whether a form may lead back there: web addresses of the listed hosts alone."""
    if any(sign in back for sign in "\r\n\t\\") or not isinstance(hosts, list):
        return False
    try:
        parts = urlsplit(back)
    except ValueError:
        return False
    known = {str(host).strip().lower() for host in hosts}
    return parts.scheme in ("http", "https") and (parts.hostname or "") in known and "@" not in parts.netloc


def _read(payload: Mapping[str, Any], config: Any) -> dict[str, Any]:
    mapping = config.get("fields") if isinstance(config, Mapping) else None
    mapping = mapping if isinstance(mapping, Mapping) else {}
    answers = Answers()
    for name, value in payload.items():
        if name in STEERING or name in TRAPS:
            continue
        ours = str(mapping.get(name) or "")
        if ours:
            # One of our fields, or a name of its own under which the answer is kept.
            answers.take(ours, value, field=ours if ours in READABLE else "")
        else:
            answers.take(name, value, field=FIELDS.get(name, ""))
    if (mobile := payload.get("mobile")) and "phone" not in answers.ours:
        answers.take("phone", mobile, field="phone")
    return answers.payload()


READABLE = frozenset({*FIELDS.values(), "name", "subject", "language", "utm_source", "utm_medium", "utm_campaign"})
