"""What a hosted form asks, says and promises: the configuration of a channel of kind form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.channels.form_style import Style, read_style
from leads.models import Consent

TYPES = (
    "text",
    "email",
    "tel",
    "number",
    "date",
    "select",
    "radio",
    "checkboxes",
    "textarea",
    "checkbox",
)
CHOSEN = ("select", "radio", "checkboxes")
LEAST_SECONDS = 1.5
MOST_AT_ONCE = 20
_ORIGIN = re.compile(r"^https?://[a-z0-9.-]+(:\d{1,5})?$")
ICONS = ("phone", "calendar", "check", "clock", "mail", "shield", "people")
AUTOCOMPLETE = {
    "first_name": "given-name",
    "last_name": "family-name",
    "name": "name",
    "email": "email",
    "phone": "tel",
    "company": "organization",
    "job_title": "organization-title",
    "website": "url",
    "region": "address-level1",
    "postal_code": "postal-code",
    "city": "address-level2",
    "country": "country-name",
}
_KEY = re.compile(r"^[a-z][a-z0-9_]{0,59}$")

# What a form asks that was not told what to ask.
DEFAULT: dict[str, Any] = {
    "title_en": "How can we help?",
    "title_de": "Wie können wir helfen?",
    "button_en": "Send",
    "button_de": "Absenden",
    "fields": [
        {"key": "first_name", "label_en": "First name", "label_de": "Vorname", "half": True},
        {"key": "last_name", "label_en": "Last name", "label_de": "Nachname", "half": True},
        {
            "key": "email",
            "type": "email",
            "label_en": "Work e-mail",
            "label_de": "Geschäftliche E-Mail",
            "required": True,
        },
        {"key": "company", "label_en": "Company", "label_de": "Unternehmen", "half": True},
        {"key": "phone", "type": "tel", "label_en": "Phone", "label_de": "Telefon", "half": True},
        {
            "key": "message",
            "type": "textarea",
            "label_en": "What would you like to solve?",
            "label_de": "Was möchten Sie lösen?",
        },
    ],
}


class WrongForm(InvalidInput):
    """The configuration cannot be used; `fields` names the place."""

    code = "wrong_form"


@dataclass(frozen=True)
class Text:
    """A text in both languages; German falls back to English."""

    en: str = ""
    de: str = ""

    def __str__(self) -> str:
        return (self.de if (get_language() or "").startswith("de") else "") or self.en or self.de

    def __bool__(self) -> bool:
        return bool(self.en or self.de)


@dataclass(frozen=True)
class Question:
    """One field of the form. `half`: shares its line with a neighbour that is half as well."""

    key: str
    label: Text
    type: str = "text"
    is_required: bool = False
    help: Text = field(default_factory=Text)
    options: tuple[tuple[str, Text], ...] = ()
    half: bool = False
    # Asked of people whom we know already, instead of what they have answered.
    later: bool = False


@dataclass(frozen=True)
class Ask:
    """A consent that the form asks for, with the wording that is kept."""

    purpose: str
    text: Text
    version: str = ""


@dataclass(frozen=True)
class FormSpec:
    """A whole form."""

    title: Text
    intro: Text
    button: Text
    note: Text
    thanks: Text
    privacy_url: str
    redirect_url: str
    subject: str
    mark: str
    questions: tuple[Question, ...]
    asks: tuple[Ask, ...]
    steps: tuple[tuple[str, Text], ...]
    style: Style = field(default_factory=Style)
    # Pages that may show the form inside theirs.
    origins: tuple[str, ...] = ()
    # How long a person takes at least; 0 switches the check off.
    least_seconds: float = LEAST_SECONDS
    has_trap: bool = True
    # Whether a form of somebody else's page may post here, which brings no token.
    takes_direct: bool = False
    # Whether a browser is remembered after it has sent the form, and how many questions are asked then.
    is_progressive: bool = False
    # Whether a consent counts only when the address has confirmed it (double opt-in).
    confirms: bool = False
    at_once: int = 3


def read_form(config: Mapping[str, Any]) -> FormSpec:
    """The form that a channel's configuration describes; what it leaves out is as usual. Raises WrongForm."""
    told = {**DEFAULT, **config} if config.get("fields") else {**config, **DEFAULT, **config}
    questions = tuple(_question(number, one) for number, one in enumerate(_list(told, "fields")))
    keys = [question.key for question in questions]
    if len(set(keys)) != len(keys):
        raise _wrong("fields", _("Each key may be used once."))
    if not {"email", "phone"} & set(keys):
        raise _wrong("fields", _("Ask for email or phone, else nobody can be answered."))
    return FormSpec(
        title=_text(told, "title"),
        intro=_text(told, "intro"),
        button=_text(told, "button"),
        note=_text(told, "note"),
        thanks=_text(told, "thanks"),
        privacy_url=_url(told, "privacy_url"),
        redirect_url=_url(told, "redirect_url"),
        subject=str(told.get("subject", ""))[:200],
        mark=str(told.get("mark", ""))[:120],
        questions=questions,
        asks=tuple(_ask(number, one) for number, one in enumerate(_list(told, "consents"))),
        steps=tuple(_step(number, one) for number, one in enumerate(_list(told, "steps"))),
        style=_style(told),
        origins=tuple(_origin(one) for one in _list(told, "origins")),
        least_seconds=_seconds(told.get("least_seconds", LEAST_SECONDS)),
        has_trap=told.get("has_trap", True) is not False,
        takes_direct=bool(told.get("takes_direct")),
        is_progressive=bool(told.get("is_progressive")),
        confirms=bool(told.get("confirms")),
        at_once=min(max(_whole(told.get("at_once"), 3), 1), MOST_AT_ONCE),
    )


def _style(told: Mapping[str, Any]) -> Style:
    try:
        return read_style(told.get("style"))
    except InvalidInput as error:
        raise _wrong("style", str(error)) from None


def _origin(told: Any) -> str:
    origin = str(told).strip().lower().rstrip("/")
    if not _ORIGIN.match(origin):
        raise _wrong("origins", _("A page is named as https://www.firm.example, without what follows."))
    return origin


def _seconds(told: Any) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= 60:
        raise _wrong("least_seconds", _("Seconds from 0 to 60 are expected."))
    return float(told)


def _whole(told: Any, otherwise: int) -> int:
    return told if isinstance(told, int) and not isinstance(told, bool) else otherwise


def _question(number: int, told: Any) -> Question:
    place = f"fields[{number}]"
    if not isinstance(told, dict) or not _KEY.match(str(told.get("key", ""))):
        raise _wrong(place, _("A field needs a “key” of small letters, digits and _."))
    kind = told.get("type", "text")
    if kind not in TYPES:
        raise _wrong(f"{place}.type", _("Known types are %(known)s.") % {"known": ", ".join(TYPES)})
    options = tuple(_option(f"{place}.options", one) for one in _list(told, "options"))
    if kind in CHOSEN and not options:
        raise _wrong(f"{place}.options", _("A choice needs options."))
    label = _text(told, "label") or Text(str(told["key"]).replace("_", " ").capitalize())
    return Question(
        str(told["key"]),
        label,
        kind,
        bool(told.get("required")),
        _text(told, "help"),
        options,
        bool(told.get("half")),
        bool(told.get("later")),
    )


def _option(place: str, told: Any) -> tuple[str, Text]:
    if isinstance(told, str) and told:
        return told, Text(told)
    if isinstance(told, dict) and told.get("value"):
        return str(told["value"]), _text(told, "label") or Text(str(told["value"]))
    raise _wrong(place, _("An option is a text, or an object with “value”."))


def _ask(number: int, told: Any) -> Ask:
    place = f"consents[{number}]"
    if not isinstance(told, dict) or told.get("purpose") not in Consent.Purpose.values:
        known = ", ".join(Consent.Purpose.values)
        raise _wrong(place, _("A consent needs a “purpose”: %(known)s.") % {"known": known})
    text = _text(told, "text")
    if not text:
        raise _wrong(place, _("A consent needs the words that are agreed to."))
    return Ask(told["purpose"], text, str(told.get("version", ""))[:40])


def _step(number: int, told: Any) -> tuple[str, Text]:
    if not isinstance(told, dict) or not (text := _text(told, "text")):
        raise _wrong(f"steps[{number}]", _("A step needs a “text_en”."))
    icon = told.get("icon", "check")
    return (icon if icon in ICONS else "check"), text


def _list(told: Mapping[str, Any], name: str) -> list[Any]:
    value = told.get(name) or []
    if not isinstance(value, list):
        raise _wrong(name, _("A list is expected."))
    return value


def _text(told: Mapping[str, Any], name: str) -> Text:
    return Text(str(told.get(f"{name}_en") or told.get(name) or ""), str(told.get(f"{name}_de") or ""))


def _url(told: Mapping[str, Any], name: str) -> str:
    url = str(told.get(name) or "")
    try:
        known = not url or (urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).netloc))
    except ValueError:
        known = False
    if not known:
        raise _wrong(name, _("An address such as https://www.firm.example/privacy is expected."))
    return url


def _wrong(place: str, what: str) -> WrongForm:
    message = _("The form's configuration is wrong at %(place)s: %(what)s") % {"place": place, "what": what}
    return WrongForm(message, fields={place: what})
