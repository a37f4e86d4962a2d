"""Countries, from what people call them to ISO 3166 alpha-2."""

from functools import cache

import phonenumbers
from phonenumbers.geodata.locale import LOCALE_DATA

from leads.normalise.text import fold

_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "cs", "da", "sv", "nb", "fi", "hu", "ro", "tr")
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
        for code, names in LOCALE_DATA.items():
            name = names.get(language, "")
            # A star points at another language that spells it alike.
            if name and not name.startswith("*") and code in phonenumbers.SUPPORTED_REGIONS:
                found.setdefault(fold(name), code)
    return found | _ALSO


def read_country(text: str) -> str:
    """The code of a country by code or name, in the usual European languages; empty where none is recognised."""
    code = text.strip().upper()
    if len(code) == 2 and code in phonenumbers.SUPPORTED_REGIONS:
        return code
    return _names().get(fold(text), "")
