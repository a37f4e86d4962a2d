"""Countries, from what people call them to ISO 3166 alpha-2, and from the code to the reader's word."""

from functools import cache

import phonenumbers
from phonenumbers.geodata.locale import LOCALE_DATA

from leads.normalise.text import fold

_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "cs", "da", "sv", "nb", "fi", "hu", "ro", "tr")
# Places with numbers of their own that the list of names lacks; English and German call them the same.
_UNNAMED = {"AC": "Ascension", "TA": "Tristan da Cunha", "XK": "Kosovo"}
_ALSO = {
    "uk": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "great britain": "GB",
    "grossbritannien": "GB",
    "usa": "US",
    "u s a": "US",
    "united states of america": "US",
    "america": "US",
    "vereinigte staaten von amerika": "US",
    "brd": "DE",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "tschechische republik": "CZ",
    "russian federation": "RU",
    "south korea": "KR",
    "turkey": "TR",
    "uae": "AE",
}


@cache
def _names() -> dict[str, str]:
    """Every name in the languages above; the first language to use one wins."""
    found: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in countries(language):
            found.setdefault(fold(name), code)
    return found | _ALSO


def read_country(text: str) -> str:
    """The code of a country by code or name, in the usual European languages; empty where none is recognised."""
    code = text.strip().upper()
    if len(code) == 2 and code in phonenumbers.SUPPORTED_REGIONS:
        return code
    return _names().get(fold(text), "")


def country_name(code: str, language: str) -> str:
    """What a country is called in a language, else in English; the code itself where no name is known."""
    names = LOCALE_DATA.get(code, {})
    name = names.get(language[:2]) or names.get("en") or _UNNAMED.get(code, code)
    # A star points at another language that spells it alike.
    return names.get(name[1:], code) if name.startswith("*") else name


@cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Every country as code and name, by name."""
    named = ((code, country_name(code, language)) for code in phonenumbers.SUPPORTED_REGIONS)
    return tuple(sorted(named, key=lambda one: fold(one[1])))
