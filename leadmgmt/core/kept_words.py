"""Sentences that a row keeps: written in English whatever language is on, and read by each in their own.

Why a job failed is written down before anybody asks in any language. Their context in the catalogue is ``kept``.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation.trans_real import translation

CONTEXT = "kept"
# How gettext joins a context and a text.
JOINT = "\x04"
PLACE = re.compile(r"%\((\w+)\)[sd]")
# Sentences with fewer letters of their own say too little to be known again.
LEAST = 8


def worded(words: str, **values: object) -> str:
    """``words`` in English, ``values`` in their places ``%(name)s``; the call marks them for the catalogue."""
    return words % values if values else words


def reworded(said: str) -> str:
    """What a row keeps, in the reader's language, line by line; what no sentence of ours made stays as it is."""
    language = get_language()
    if not said or not language or language.startswith("en"):
        return said
    return "\n".join(_reworded(language, line) for line in said.split("\n"))


@lru_cache(2000)
def _reworded(language: str, line: str) -> str:
    # One word is a name: of a field, an error, a state of the CRM.
    if " " not in line.strip():
        return line
    for found in (pgettext(CONTEXT, line), gettext(line)):
        if found != line:
            return found
    for one in _filled(language):
        if one.piece in line and (match := re.fullmatch(one.pattern, line)):
            return one.words % {name: _reworded(language, value) for name, value in match.groupdict().items()}
    # Several complaints, each with the field or the error that it belongs to.
    for joint in ("; ", ": "):
        head, found, tail = line.partition(joint)
        if found:
            return f"{_reworded(language, head)}{joint}{_reworded(language, tail)}"
    return line


@dataclass(frozen=True)
class Filled:
    """A sentence with places: what it looks like once they are filled, its longest piece, and its translation."""

    pattern: str
    piece: str
    words: str
    own: int


@cache
def _filled(language: str) -> list[Filled]:
    """All sentences with places, those with most words of their own first."""
    catalogue: dict[object, str] = translation(language)._catalog  # type: ignore[attr-defined]  # as Django's views do
    texts = [(key, words) for key, words in catalogue.items() if isinstance(key, str) and _has_places(key, words)]
    found = [_sentence(key.rpartition(JOINT)[2], words) for key, words in texts]
    return sorted((one for one in found if one.own >= LEAST), key=lambda one: -one.own)


def _has_places(text: str, words: str) -> bool:
    """Whether it has places, and none but those that can be filled by a text."""
    return bool(PLACE.search(text)) and not any("%(" in PLACE.sub("", one) for one in (text, words))


def _sentence(text: str, words: str) -> Filled:
    parts = PLACE.split(text)
    pieces, seen, pattern = parts[::2], set(), ""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            pattern += re.escape(part.replace("%%", "%"))
        else:
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>.*?)"
            seen.add(part)
    # What stood in a place is text by now, a number as well.
    return Filled(pattern, max(pieces, key=len).replace("%%", "%"), PLACE.sub(r"%(\1)s", words), sum(map(len, pieces)))
