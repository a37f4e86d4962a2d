"""One payload in our language of submissions, read into a Submission. Pure: touches no database."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from leads.normalise.attributes import read_attributes
from leads.normalise.cells import TEXTS, Cells
from leads.normalise.company import registered_domain
from leads.normalise.consent import read_consent
from leads.normalise.country import read_country
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.moment import InvalidMoment, read_moment
from leads.normalise.person import split_name
from leads.normalise.phone import read_phone
from leads.normalise.postal import plain_code
from leads.normalise.refusal import Refused
from leads.normalise.submission import UTM, Problem, Submission

OURS = frozenset({*TEXTS, "consent"})
LONGEST_EXTERNAL_ID = 255
AHEAD = timedelta(minutes=10)
_LANGUAGE = re.compile(r"^([a-z]{2})(?:[-_][a-z0-9]{2,4})*$", re.IGNORECASE)
_is_url = URLValidator(schemes=["http", "https"])


def read_submission(
    payload: Mapping[str, Any], *, received_at: datetime, occurred_at: datetime | None = None
) -> Submission:
    """Read what was sent, or raise Refused with every field to mend.

    ``occurred_at`` counts where the payload names no time of its own. Refused is: a wrong type, a time that is none,
    a broken e-mail address without another identity beside it, and whatever identifies nobody.
    """
    cells = Cells(payload)
    statements, unreadable = read_consent(payload.get("consent"))
    wrong = [*cells.wrong, *unreadable]
    found = Submission(occurred_at=occurred_at or received_at, statements=statements, problems=[*cells.notes])
    if cells["occurred_at"]:
        try:
            found.occurred_at = read_moment(cells["occurred_at"])
        except InvalidMoment as error:
            wrong.append(Problem("occurred_at", str(error)))
    if found.occurred_at > received_at:
        if found.occurred_at > received_at + AHEAD:
            found.note("occurred_at", _("Lies in the future: the time of arrival counts."))
        found.occurred_at = received_at
    if len(cells["external_id"]) > LONGEST_EXTERNAL_ID:
        most = {"count": LONGEST_EXTERNAL_ID}
        wrong.append(Problem("external_id", _("Longer than %(count)d characters.") % most))
    if wrong:
        raise Refused(_("Some fields have the wrong type or cannot be read."), wrong, code="wrong_type")
    found.external_id = cells["external_id"]
    _read_identity(found, cells)
    _read_person(found, cells)
    _read_company(found, cells)
    _read_touch(found, cells)
    found.attributes, notes = read_attributes(payload, OURS)
    found.problems += notes
    return found


def _read_identity(found: Submission, cells: Cells) -> None:
    found.country = read_country(cells["country"])
    if cells["country"] and not found.country:
        found.note("country", _("No country is known by this name."))
    callable_number = False
    if cells["phone"]:
        phone = read_phone(cells["phone"], found.country or settings.DEFAULT_COUNTRY)
        found.phone, found.phone_raw, callable_number = phone.e164, phone.raw, phone.possible
        if not phone.e164:
            found.note("phone", _("This is no valid phone number; it is kept as written."))
    complaint = ""
    if cells["email"]:
        try:
            address = read_address(cells["email"])
        except InvalidAddress as error:
            complaint = str(error)
        else:
            found.email, found.email_key = address.written, address.key
    if found.email or found.external_id or callable_number:
        if complaint:
            found.email_raw = cells["email"][:254]
            found.note("email", complaint)
        return
    if complaint:
        raise Refused(_("The e-mail address cannot be used."), [Problem("email", complaint)], code="invalid_email")
    raise Refused(
        _("This submission identifies nobody: send email, phone or external_id."),
        found.problems or [Problem("email", _("Send email, phone or external_id."))],
        code="identifies_nobody",
    )


def _read_person(found: Submission, cells: Cells) -> None:
    found.first_name, found.last_name = cells["first_name"], cells["last_name"]
    if cells["name"] and not (found.first_name or found.last_name):
        name = split_name(cells["name"])
        found.first_name, found.last_name, found.name_title = name.first, name.last, name.title
    found.job_title, found.city, found.region = cells["job_title"], cells["city"], cells["region"]
    found.postal_code = plain_code(cells["postal_code"])
    if code := _LANGUAGE.match(cells["language"]):
        found.language = code[1].lower()
    elif cells["language"]:
        found.note("language", _("No language code such as “de” or “en-GB”."))


def _read_company(found: Submission, cells: Cells) -> None:
    found.company = cells["company"]
    found.domain = registered_domain(cells["domain"] or cells["website"])
    if (cells["domain"] or cells["website"]) and not found.domain:
        found.note("domain" if cells["domain"] else "website", _("No domain can be read from this."))
    site = cells["website"]
    if site and found.domain:
        url = site if "://" in site else f"https://{site}"
        try:
            _is_url(url)
        except ValidationError:
            return
        found.website = url if len(url) <= 200 else ""


def _read_touch(found: Submission, cells: Cells) -> None:
    for name in ("subject", "message", "source", "campaign", "referrer", "landing_page"):
        setattr(found, name, cells[name])
    found.utm = {name: cells[name] for name in UTM if cells[name]}
