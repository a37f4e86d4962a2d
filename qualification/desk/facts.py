"""What is known of person and company, each value with its origin."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Company, Consent, Contact, FieldValue, Lead
from leads.normalise.country import country_name

# The fields that a person may correct on the page, per subject, in the order of the page.
PERSON_FIELDS: dict[str, str | Promise] = {
    "phone": gettext_lazy("Phone"),
    "email": gettext_lazy("E-mail"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "job_title": gettext_lazy("Role"),
    "country": gettext_lazy("Country"),
    "region": gettext_lazy("Region"),
    "postal_code": gettext_lazy("Postal code"),
    "city": gettext_lazy("City"),
    "language": gettext_lazy("Language"),
}
COMPANY_FIELDS: dict[str, str | Promise] = {
    "name": gettext_lazy("Name"),
    "city": gettext_lazy("Seat"),
    "country": gettext_lazy("Country"),
    "staff": gettext_lazy("Staff"),
    "industry": gettext_lazy("Industry"),
    "revenue": gettext_lazy("Revenue"),
    "website": gettext_lazy("Website"),
    "linkedin": gettext_lazy("LinkedIn"),
}
# When people may be rung up at work, on their own clock.
CALLING_HOURS, SATURDAY = (8, 19), 5
# Said in the heading already; shown in the list only where it is missing or being corrected.
NAMES = ("first_name", "last_name")


@dataclass(frozen=True)
class Origin:
    """Where a value comes from, as a word, and everything that is known about it as a title."""

    word: str
    title: str


@dataclass(frozen=True)
class Fact:
    """One line. `href` makes the value a link; `field` is empty where nobody can correct it here."""

    label: str | Promise
    value: str
    origin: Origin | None = None
    href: str = ""
    subject: str = ""
    field: str = ""
    # As it is stored: what a correction was made of.
    raw: str = ""

    @property
    def key(self) -> str:
        """How the address names it: person.phone."""
        return f"{self.subject}.{self.field}"


@dataclass(frozen=True)
class Known:
    """The left-hand side of the page."""

    person: list[Fact]
    company: list[Fact]
    consents: list[Fact]
    calls_refused: Consent | None


def known(lead: Lead, at: datetime) -> Known:
    """All facts of a lead's person and company, in two queries."""
    contact = lead.contact
    about = Q(contact=contact) | Q(company=contact.company_id) if contact.company_id else Q(contact=contact)
    values = list(FieldValue.objects.filter(about))
    consents = sorted(contact.consents.all(), key=lambda one: one.at)
    calls = [one for one in consents if one.purpose == Consent.Purpose.CALL]
    return Known(
        person=person_facts(contact, origins(one for one in values if one.contact_id), at),
        company=company_facts(contact.company, origins(one for one in values if one.company_id), at),
        consents=consent_facts(consents, at),
        calls_refused=calls[-1] if calls and not calls[-1].granted else None,
    )


def origins(values: Iterable[FieldValue]) -> dict[str, list[FieldValue]]:
    """Values by field, the newest first."""
    found: defaultdict[str, list[FieldValue]] = defaultdict(list)
    for value in sorted(values, key=lambda one: one.at, reverse=True):
        found[value.field].append(value)
    return found


def origin_of(shown: Any, values: list[FieldValue], at: datetime) -> Origin | None:
    """The origin of the shown value; with rivals, how many values there are and all of them in the title."""
    if not values:
        return None
    winner = next((one for one in values if str(one.value) == str(shown)), values[0])
    if len({str(one.value).casefold() for one in values}) > 1:
        lines = [f"{in_words(one.field, str(one.value))} ({_told(one, at)})" for one in values]
        return Origin(_("%(count)d values") % {"count": len(values)}, "; ".join(lines))
    return Origin(origin_word(winner.origin), _told(winner, at))


def origin_word(origin: str) -> str:
    """An origin as a word: the lead's own words by their way in, a person of ours, or a provider."""
    words = {
        "form": _("form"),
        "api": _("API"),
        "import": _("file"),
        "manual": _("by hand"),
        "person": _("a person"),
        "company_domain": _("domain"),
        "email_class": _("address"),
        "job_title": _("role"),
        "person_name": _("name"),
        "phone": _("phone"),
        "place": _("place"),
    }
    return words.get(origin, origin)


def _told(value: FieldValue, at: datetime) -> str:
    parts = [origin_word(value.origin), f"{formats.day(value.at, at=at)} {formats.clock_time(value.at)}"]
    if value.confidence < 1:
        parts.append(_("confidence %(value)s") % {"value": formats.number(value.confidence, 2)})
    return ", ".join(parts)


def person_facts(contact: Contact, values: dict[str, list[FieldValue]], at: datetime) -> list[Fact]:
    """How to reach the person and who they are."""
    found = []
    for field, label in PERSON_FIELDS.items():
        shown = str(getattr(contact, field) or "")
        if field in NAMES and shown:
            continue
        href = {"phone": f"tel:{shown}", "email": f"mailto:{shown}"}.get(field, "") if shown else ""
        if field == "phone" and not shown and contact.phone_raw:
            shown = contact.phone_raw
        origin = origin_of(shown, values.get(field, []), at)
        found.append(
            Fact(label, in_words(field, shown), origin, href, "person", field, str(getattr(contact, field) or ""))
        )
    if local := local_time(contact, at):
        found.append(Fact(_("Local time"), local, origin_of(contact.time_zone, values.get("time_zone", []), at)))
    for key, value in list(contact.attributes.items())[:8]:
        if isinstance(value, str | int | float) and str(value):
            found.append(Fact(key.replace("_", " ").capitalize(), str(value)[:200]))
    return found


def in_words(field: str, value: Any) -> Any:
    """The value as it is shown: a country by its name."""
    return country_name(value, get_language() or "en") if field == "country" else value


def local_time(contact: Contact, at: datetime) -> str:
    """What the clock says where the person is, with the place; empty if nobody knows."""
    there = at_their_place(contact, at)
    if there is None:
        return ""
    same = there.utcoffset() == timezone.localtime(at).utcoffset()
    return place_of(contact) if same else f"{there:%-H:%M}, {place_of(contact)}"


def place_of(contact: Contact) -> str:
    """Where the person is, as far as their clock tells."""
    return contact.city or contact.time_zone.rsplit("/", 1)[-1].replace("_", " ")


def at_their_place(contact: Contact, at: datetime) -> datetime | None:
    """The moment on their clock; None if nobody knows their zone."""
    try:
        return at.astimezone(ZoneInfo(contact.time_zone)) if contact.time_zone else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def may_be_called(contact: Contact, at: datetime) -> bool:
    """Whether it is a working day's hour where they are, or nobody knows."""
    there = at_their_place(contact, at)
    return there is None or (CALLING_HOURS[0] <= there.hour < CALLING_HOURS[1] and there.weekday() < SATURDAY)


def calling_from(contact: Contact, at: datetime) -> datetime:
    """The next moment at which they may be called: now, or when their next working day begins."""
    there = at_their_place(contact, at)
    if there is None or may_be_called(contact, at):
        return at
    opens = there.replace(hour=CALLING_HOURS[0], minute=0, second=0, microsecond=0)
    if there >= opens:
        opens += timedelta(days=1)
    while opens.weekday() >= SATURDAY:
        opens += timedelta(days=1)
    return opens


def company_facts(company: Company | None, values: dict[str, list[FieldValue]], at: datetime) -> list[Fact]:
    """The organisation; nothing where none is known."""
    if company is None:
        return []
    found = []
    for field, label in COMPANY_FIELDS.items():
        raw = getattr(company, field)
        shown = "" if raw in (None, "") else str(raw)
        text = in_words(field, shown)
        if shown and field == "staff":
            text = formats.number(raw)
        elif shown and field == "revenue":
            text = formats.money(raw)
        href = shown if field in ("website", "linkedin") and shown.startswith(("http://", "https://")) else ""
        found.append(Fact(label, text, origin_of(shown, values.get(field, []), at), href, "company", field, shown))
    return found


def consent_facts(consents: Iterable[Consent], at: datetime) -> list[Fact]:
    """The statement in force per purpose, and when it was given."""
    newest: dict[str, Consent] = {}
    for one in sorted(consents, key=lambda one: one.at):
        newest[one.purpose] = one
    found = []
    for purpose in Consent.Purpose:
        if purpose.value not in newest:
            continue
        one = newest[purpose.value]
        said = _("Granted") if one.granted else _("Refused")
        version = _("wording %(version)s") % {"version": one.version} if one.version else ""
        when = f"{formats.day(one.at, at=at)} {formats.clock_time(one.at)}"
        title = ", ".join(filter(None, (when, version, one.text)))
        found.append(Fact(purpose.label, said, Origin(formats.day(one.at, at=at), title)))
    return found
