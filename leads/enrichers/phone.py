"""Where a phone number comes from: country, time zone, and a place for landlines."""

import phonenumbers
from phonenumbers import PhoneNumberType, geocoder, timezone

from leads.enrichers.base import Known, Offered

LINES = {
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "unknown",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.VOIP: "voip",
}


def line_type(e164: str) -> str:
    """landline, mobile, voip, toll-free, premium or unknown; empty for what is no number."""
    number = _parse(e164)
    return LINES.get(phonenumbers.number_type(number), "unknown") if number else ""


def _parse(e164: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def enrich(known: Known) -> list[Offered]:
    """Country, time zone and, where the area code says so, the town."""
    number = _parse(known.contact.phone) if known.contact.phone else None
    if number is None:
        return []
    offered = []
    country = phonenumbers.region_code_for_number(number)
    if country and len(country) == 2 and country.isalpha():
        offered.append(Offered("contact", "country", country, 0.85))
    zones = [zone for zone in timezone.time_zones_for_number(number) if zone != timezone.UNKNOWN_TIMEZONE]
    # A mobile number of a large country lies in many zones: then it says nothing.
    if len(zones) == 1:
        offered.append(Offered("contact", "time_zone", zones[0], 0.8))
    town = _town(number)
    if town:
        offered.append(Offered("contact", "city", town, 0.5))
    return offered


def _town(number: phonenumbers.PhoneNumber) -> str:
    if phonenumbers.number_type(number) != PhoneNumberType.FIXED_LINE:
        return ""
    language = "de" if phonenumbers.region_code_for_number(number) in ("DE", "AT", "CH", "LI") else "en"
    place = geocoder.description_for_valid_number(number, language)
    country = geocoder.country_name_for_number(number, language)
    return "" if place == country else place
