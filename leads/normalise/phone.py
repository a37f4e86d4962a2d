"""Phone numbers, to E.164 where a number is one."""

from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from leads.normalise.text import line

LONGEST_RAW = 80
SHORTEST = 6


@dataclass(frozen=True)
class Phone:
    """A number. ``e164`` is empty where it is not valid; ``possible`` says whether anyone could ever be called."""

    e164: str
    raw: str
    possible: bool


def read_phone(text: str, region: str) -> Phone:
    """Read a number as written in ``region`` (ISO 3166 alpha-2), which counts where it names no country itself."""
    raw = line(text)
    try:
        number = phonenumbers.parse(raw[:250].removeprefix("tel:"), region or None)
    except NumberParseException:
        return Phone("", raw[:LONGEST_RAW], possible=False)
    if not phonenumbers.is_valid_number(number):
        # Some plans allow numbers of two digits, but those are an extension at best.
        possible = phonenumbers.is_possible_number(number) and len(str(number.national_number)) >= SHORTEST
        return Phone("", raw[:LONGEST_RAW], possible)
    # An extension has no place in E.164, so what was written is kept beside it.
    kept = raw[:LONGEST_RAW] if number.extension else ""
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164), kept, possible=True)
