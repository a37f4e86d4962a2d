"""Postal codes of any country: how they are kept, compared, and named by ranges."""

import re

from django.utils.translation import gettext as _

_SIGNS = re.compile(r"[^0-9A-Za-z]+")
# D-80331, CH-8001: the country in front says nothing about where in it.
_IN_FRONT = re.compile(r"^[A-Z]{1,3}[-\s]+(?=[0-9])")
_BETWEEN = re.compile(r"\s+-\s+|\s*(?:–|—|\.\.+|…)\s*")
MOST = 16


class InvalidRange(ValueError):
    """A range that cannot be read; the text says what to mend."""


def plain_code(text: str) -> str:
    """A postal code as it is kept: in capitals, without the country that some write in front."""
    return _IN_FRONT.sub("", text.strip().upper())[:MOST]


def code_key(text: str) -> str:
    """A postal code as it is compared: capital letters and digits alone. ``SW1A 1AA`` and ``sw1a1aa`` are one."""
    return _SIGNS.sub("", text).upper()


def read_range(text: str) -> tuple[str, str]:
    """The first and the last beginning that a range names: ``80-87``, ``80331 - 87999``, ``01067``, ``SW1–SW9``.

    A hyphen without spaces stands between two ends where they are of one length (``80-87``), else it is part of one
    code (``00-950``). Raises InvalidRange.
    """
    ends = _BETWEEN.split(text.strip())
    if len(ends) == 1:
        halves = text.strip().split("-")
        is_span = len(halves) == 2 and len(code_key(halves[0])) == len(code_key(halves[1]))
        ends = halves if is_span else ends
    keys = [code_key(one) for one in ends]
    if len(keys) > 2 or not all(keys):
        raise InvalidRange(_("write a postal code or its beginning, or two with a dash between them, such as 80-87."))
    low, high = keys[0], keys[-1]
    if len(low) != len(high):
        raise InvalidRange(_("write both ends of %(range)s with the same number of signs.") % {"range": text.strip()})
    if low > high:
        raise InvalidRange(_("%(range)s ends before it begins.") % {"range": text.strip()})
    return low, high


def within(key: str, low: str, high: str) -> bool:
    """Whether a code begins with something from ``low`` to ``high``."""
    return low <= key[: len(low)] and key[: len(high)] <= high
