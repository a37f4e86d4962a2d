"""How alike two people are, with a reason. Pure; rapidfuzz compares the words.

Confidences are those that the bench (bench/matching.py) measured on labelled pairs, rounded down.
"""

from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from leads.normalise.naming import given_name, plain, words

# Certain: joins by itself when it is captured.
CERTAIN = {"email": 1.0, "external_id": 0.99, "phone_name": 0.98, "phone": 0.9}
# Less is no reason to ask anybody.
LEAST = 0.5
SAME_NAME, LIKE_NAME, LIKE_WORD = 0.97, 0.84, 0.8
SAME_ADDRESS = 0.9
SAME_FIRM = 0.9


@dataclass(frozen=True)
class Traits:
    """What two people are compared by."""

    first: str = ""
    last: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    company_id: int | None = None
    country: str = ""
    city: str = ""


@dataclass(frozen=True)
class Likeness:
    """Why two may be one, and how sure that is (0 to 1)."""

    reason: str
    confidence: float


@lru_cache(maxsize=20_000)
def _word(left: str, right: str) -> float:
    if left == right:
        return 1.0
    if not left or not right:
        return 0.0
    if 1 in (len(left), len(right)):
        return 0.86 if left[0] == right[0] else 0.0
    return max(fuzz.ratio(left, right) / 100, JaroWinkler.similarity(left, right) - 0.05)


def name_likeness(one: Traits, other: Traits) -> float:
    """How alike two whole names are, nicknames and the order of first and last aside; the worse half counts most."""
    straight = _halves(given_name(one.first), given_name(other.first), _family(one.last), _family(other.last))
    crossed = _halves(given_name(one.first), given_name(other.last), _family(one.last), _family(other.first))
    return max(straight, crossed)


def _halves(first: str, other_first: str, last: str, other_last: str) -> float:
    given, family = _word(first, other_first), _word(last, other_last)
    return 0.0 if min(given, family) < LIKE_WORD - 0.1 else 0.4 * given + 0.6 * family


@lru_cache(maxsize=20_000)
def _family(last: str) -> str:
    return " ".join(words(last))


def address_likeness(one: str, other: str) -> float:
    """How alike two addresses are before the @, signs and figures aside."""
    left, right = (_local(address) for address in (one, other))
    return fuzz.ratio(left, right) / 100 if left and right else 0.0


@lru_cache(maxsize=20_000)
def _local(address: str) -> str:
    return "".join(letter for letter in plain(address.partition("@")[0]) if letter.isalpha())


def compare(one: Traits, other: Traits, *, is_rare: bool = False) -> Likeness | None:
    """Why these may be one person; None where nothing says so. ``is_rare``: hardly anybody else has this name."""
    same_phone = bool(one.phone) and one.phone == other.phone
    nameless = not (one.first or one.last) or not (other.first or other.last)
    if same_phone and nameless:
        return Likeness("same_phone", 0.6)
    if nameless:
        return None
    name = name_likeness(one, other)
    firm = _same_firm(one, other)
    address = address_likeness(one.email, other.email)
    if name < LIKE_NAME:
        return None
    if same_phone:
        return Likeness("phone_name", 0.95) if name >= SAME_NAME else Likeness("phone_like_name", 0.85)
    if address >= SAME_ADDRESS and (name >= SAME_NAME or firm):
        return Likeness("like_address", 0.85 if firm else 0.7)
    if firm:
        return Likeness("name_company", 0.8) if name >= SAME_NAME else Likeness("like_name_company", 0.6)
    if name >= SAME_NAME and is_rare and _same_place(one, other):
        return Likeness("rare_name", 0.5)
    return None


def _same_firm(one: Traits, other: Traits) -> bool:
    if one.company_id is not None and one.company_id == other.company_id:
        return True
    return bool(one.company and other.company) and fuzz.ratio(one.company, other.company) / 100 >= SAME_FIRM


def _same_place(one: Traits, other: Traits) -> bool:
    if one.city and other.city:
        return plain(one.city) == plain(other.city)
    return not (one.country and other.country) or one.country == other.country
