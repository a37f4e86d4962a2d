"""Which fields of contact and company may be offered by anybody, and what each can hold."""

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from leads.facts.base import DEPARTMENTS, EMAIL_CLASSES, SENIORITIES
from leads.normalise.country import read_country
from leads.normalise.text import line


@dataclass(frozen=True)
class Field:
    """One field. `read` gives the value as stored, or raises ValueError with what was expected."""

    read: Callable[[Any], Any]


def text(most: int) -> Field:
    """A line of at most so many characters, not empty."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not (clean := line(value)):
            raise ValueError(f"text was expected, not {_shown(value)}")
        if len(clean) > most:
            raise ValueError(f"text of at most {most} characters was expected")
        return clean

    return Field(read)


def one_of(values: tuple[str, ...]) -> Field:
    """One word of a list, whatever its case."""

    def read(value: Any) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in values:
            raise ValueError(f"one of {', '.join(values)} was expected, not {_shown(value)}")
        return word

    return Field(read)


def _country(value: Any) -> str:
    code = read_country(value) if isinstance(value, str) else ""
    if not code:
        raise ValueError(f"a country was expected, not {_shown(value)}")
    return code


def _zone(value: Any) -> str:
    try:
        return zoneinfo.ZoneInfo(value).key if isinstance(value, str) and value else _fail("a time zone", value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return _fail("a time zone such as Europe/Berlin", value)


def _language(value: Any) -> str:
    code = value.strip().lower()[:2] if isinstance(value, str) else ""
    return code if len(code) == 2 and code.isascii() and code.isalpha() else _fail("a language such as de", value)


def _staff(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 10_000_000:
        raise ValueError(f"a whole number was expected, not {_shown(value)}")
    return number


def _money(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value)) if isinstance(value, str | int | float | Decimal) else Decimal("nan")
    except InvalidOperation:
        amount = Decimal("nan")
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount < Decimal(10) ** 13:
        raise ValueError(f"an amount was expected, not {_shown(value)}")
    return amount.quantize(Decimal("0.01"))


def _website(value: Any) -> str:
    address = line(value) if isinstance(value, str) else ""
    if not address.startswith(("http://", "https://")) or len(address) > 200 or " " in address:
        raise ValueError(f"a web address was expected, not {_shown(value)}")
    return address


def _linkedin(value: Any) -> str:
    address = _website(value)
    host = (urlsplit(address).hostname or "").lower()
    return (
        address if host == "linkedin.com" or host.endswith(".linkedin.com") else _fail("a page on linkedin.com", "it")
    )


def _phone(value: Any) -> str:
    digits = value.removeprefix("+") if isinstance(value, str) else ""
    if not (isinstance(value, str) and value.startswith("+") and digits.isascii() and 7 <= len(digits) <= 15):
        raise ValueError("a phone number such as +49721555010 was expected")
    return value if digits.isdigit() else _fail("a phone number such as +49721555010", "letters")


def _fail(expected: str, value: Any) -> str:
    raise ValueError(f"{expected} was expected, not {_shown(value)}")


def _shown(value: Any) -> str:
    """The kind of a wrong value, not the value: it may be about a person and ends up in logs of errors."""
    return (
        "nothing"
        if value in (None, "")
        else {"str": "this text", "dict": "an object"}.get(type(value).__name__, f"a {type(value).__name__}")
    )


CONTACT_FIELDS: dict[str, Field] = {
    "phone": Field(_phone),
    "first_name": text(120),
    "last_name": text(120),
    "name_title": text(40),
    "job_title": text(160),
    "seniority": one_of(SENIORITIES),
    "department": one_of(DEPARTMENTS),
    "country": Field(_country),
    "region": text(80),
    "postal_code": text(16),
    "city": text(120),
    "time_zone": Field(_zone),
    "language": Field(_language),
    "email_class": one_of(EMAIL_CLASSES),
    "deliverability": one_of(("receives", "none")),
}
COMPANY_FIELDS: dict[str, Field] = {
    "name": text(255),
    "country": Field(_country),
    "city": text(120),
    "industry": text(120),
    "staff": Field(_staff),
    "revenue": Field(_money),
    "website": Field(_website),
    "linkedin": Field(_linkedin),
    "description": text(500),
}
