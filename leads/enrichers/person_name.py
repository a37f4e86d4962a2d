"""A name in parts: out of one line, or out of an address such as anna.schmidt@…"""

import re

from leads.enrichers.base import Known, Offered
from leads.enrichers.email_class import ROLES
from leads.normalise.person import split_name

LOCAL = re.compile(r"([a-zà-ÿ]{2,}(?:-[a-zà-ÿ]{2,})?)[._]([a-zà-ÿ]{2,}(?:-[a-zà-ÿ]{2,})?)")


def name_in_address(email: str) -> tuple[str, str]:
    """First and last name where the address is made of exactly two words; else empty."""
    local = email.lower().partition("@")[0].partition("+")[0]
    found = LOCAL.fullmatch(local)
    if not found or found[1] in ROLES or found[2] in ROLES:
        return "", ""
    return _capital(found[1]), _capital(found[2])


def _capital(word: str) -> str:
    return "-".join(part.capitalize() for part in word.split("-"))


def enrich(known: Known) -> list[Offered]:
    """The parts of the name that are not known yet."""
    contact = known.contact
    if not contact.last_name and " " in contact.first_name:
        name = split_name(contact.first_name)
        return _offers(name.title, name.first, name.last, 0.8)
    if not contact.full_name and contact.email:
        return _offers("", *name_in_address(contact.email), 0.5)
    return []


def _offers(title: str, first: str, last: str, confidence: float) -> list[Offered]:
    parts = (("name_title", title), ("first_name", first), ("last_name", last))
    return [Offered("contact", field, value, confidence) for field, value in parts if value]
