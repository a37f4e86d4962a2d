"""E-mail addresses: whether one is valid, and what it is matched by."""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from leads.normalise.text import NUL_SIGN, line

LONGEST = 254

# Where everything behind a plus sign, or every dot, is known to reach the same person.
_PLUS = frozenset(
    "gmail.com outlook.com hotmail.com live.com msn.com icloud.com me.com mac.com fastmail.com fastmail.fm "
    "proton.me protonmail.com pm.me posteo.de mailbox.org".split()
)
_DOTS = frozenset({"gmail.com"})
_SAME = {"googlemail.com": "gmail.com", "protonmail.com": "proton.me", "pm.me": "proton.me", "me.com": "icloud.com"}


# Addresses as nearly all are, which need no long look; whatever else may be valid too is left to the library.
_PLAIN = re.compile(
    r"[a-z0-9_]+(?:[.+-][a-z0-9_]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,24})", re.IGNORECASE | re.ASCII
)
_SPECIAL = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)


# What storing and decoding put in the place of what cannot be kept.
_DAMAGED = frozenset({"\ufffd", NUL_SIGN})


class InvalidAddress(ValueError):
    """Not an address; the message says what is wrong with it."""


@dataclass(frozen=True)
class Address:
    """An address as written, what it is matched by, and its domain (lower case, Unicode)."""

    written: str
    key: str
    domain: str


def is_plain(text: str) -> bool:
    """Whether this is certainly a valid address: short, ASCII, and nothing unusual in it. False says nothing."""
    found = _PLAIN.fullmatch(text) if len(text) <= 120 else None
    return found is not None and found[1].lower() not in _SPECIAL and text.index("@") <= 60 and "--" not in text


def read_address(text: str) -> Address:
    """Read one address, also as `Ann <ann@firm.example>`; raises InvalidAddress.

    Nothing is looked up: whether the domain receives mail shows when mail is sent.
    """
    bare = line(text).removeprefix("mailto:")
    if is_plain(bare):
        local, _at, domain = bare.partition("@")
        return Address(bare, _key(local, domain.lower()), domain.lower())
    if len(bare) > 2 * LONGEST:
        raise InvalidAddress(_("This address is too long."))
    if _DAMAGED & set(bare):
        raise InvalidAddress(_("This address is damaged: it holds a sign that stands for an unreadable one."))
    try:
        # Domains under .test are taken: they are what people try an integration with.
        found = validate_email(
            bare,
            check_deliverability=False,
            allow_display_name=True,
            allow_quoted_local=True,
            test_environment=True,
        )
    except EmailNotValidError:
        raise InvalidAddress(_complaint(bare)) from None
    if "." not in found.domain:
        raise InvalidAddress(_complaint(bare))
    # As the person writes it, capitals included; a quoted name around it is not part of it.
    written = f"{found.local_part}@{found.domain}" if found.display_name or "<" in bare else bare
    if len(written) > LONGEST:
        raise InvalidAddress(_("This address is too long."))
    domain = unicodedata.normalize("NFC", found.domain).casefold()
    return Address(written, _key(found.local_part, domain), domain)


def _complaint(text: str) -> str:
    """What to mend, in words for whoever typed it."""
    local, at, domain = text.rpartition("@")
    if not at:
        return _("The @-sign is missing.")
    if not local:
        return _("The part before the @-sign is missing.")
    if "." not in domain:
        return _("The ending is missing, for example “.com”.")
    return _("This is not a valid e-mail address.")


def _key(local: str, domain: str) -> str:
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    if domain in _PLUS or domain in _SAME:
        local = local.split("+", 1)[0] or local
    domain = _SAME.get(domain, domain)
    if domain in _DOTS:
        local = local.replace(".", "") or local
    return f"{local}@{domain}"
