"""Country, time zone and language where one of them is known already."""

import re

from leads.enrichers.base import Known, Offered

# The zone of the capital, for countries that have one zone (or nearly so).
ZONES = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CH": "Europe/Zurich",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn",
    "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "GR": "Europe/Athens",
    "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IN": "Asia/Kolkata",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon",
    "RO": "Europe/Bucharest",
    "SE": "Europe/Stockholm",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
    "TR": "Europe/Istanbul",
    "ZA": "Africa/Johannesburg",
}
LANGUAGES = {
    "AT": "de",
    "AU": "en",
    "BR": "pt",
    "CZ": "cs",
    "DE": "de",
    "DK": "da",
    "ES": "es",
    "FI": "fi",
    "FR": "fr",
    "GB": "en",
    "HU": "hu",
    "IE": "en",
    "IT": "it",
    "LI": "de",
    "MX": "es",
    "NL": "nl",
    "NO": "no",
    "NZ": "en",
    "PL": "pl",
    "PT": "pt",
    "SE": "sv",
    "US": "en",
}
# Country domains that are not sold as something else (.io, .co, .ai, .me, .tv … are).
COUNTRY_DOMAINS = {name.lower(): name for name in (*ZONES, *LANGUAGES) if name not in ("GB", "US", "IN")} | {"uk": "GB"}
# Short words that one language uses all the time and the others do not.
MARKS = {
    "de": "und der die das ist nicht wir ich sie mit für eine einen auf von bitte haben möchten wie unser zum zur",
    "en": "and the is not we you with for our please have would like how this are what your looking need",
    "fr": "et le les est pas nous vous avec pour une des sur votre merci avons voudrions notre cherchons",
    "it": "e il gli non noi con per una vostro grazie abbiamo vorremmo della sono che nostro cerchiamo",
    "es": "y el los no nosotros con para una nuestro gracias tenemos queremos buscamos por favor que del",
    "nl": "en het een niet wij met voor onze graag hebben zijn jullie van ons kunnen willen",
}
WORDS = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """The language a message is written in, where its small words leave no doubt; else empty."""
    words = [word.lower() for word in WORDS.findall(text)]
    counts = {language: sum(word in marks.split() for word in words) for language, marks in MARKS.items()}
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    (best, most), (_, second) = ranked[0], ranked[1]
    return best if most >= 3 and most >= 1.5 * second + 1 else ""


def country_of_domain(domain: str) -> str:
    """The country of an address such as …@firma.at; empty for .com and the like."""
    return COUNTRY_DOMAINS.get(domain.rpartition(".")[2].lower(), "")


def enrich(known: Known) -> list[Offered]:
    """Country from the mail domain, zone from the country, language from the message, else from the country."""
    contact = known.contact
    offered = []
    domain_country = country_of_domain(contact.email.rpartition("@")[2])
    if domain_country:
        offered.append(Offered("contact", "country", domain_country, 0.7))
    company_country = contact.company.country if contact.company else ""
    country = contact.country or company_country or domain_country
    if zone := ZONES.get(country):
        offered.append(Offered("contact", "time_zone", zone, 0.6))
    written = language_of(known.message)
    if written:
        offered.append(Offered("contact", "language", written, 0.85))
    elif spoken := LANGUAGES.get(country):
        offered.append(Offered("contact", "language", spoken, 0.5))
    if contact.company and domain_country:
        offered.append(Offered("company", "country", domain_country, 0.5))
    return offered
