"""Text as it can be stored and compared."""

import re
import unicodedata

NUL_SIGN = "\u2400"
# Invisible at the ends of what people paste: blanks of all kinds, zero-width marks, byte order marks.
_EDGES = " \t\r\n\v\f\u00a0\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")
# Letters that Unicode does not take apart.
_WHOLE = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})
_NO_WORD = re.compile(r"[^\w]+")


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot keep: NUL becomes its picture, half a surrogate the replacement sign."""
    if text.isprintable():
        return text
    return _SURROGATES.sub("\ufffd", text.replace("\x00", NUL_SIGN))


def storable_tree(value: object) -> object:
    """The same for everything inside a JSON value, keys included."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_tree(item) for item in value]
    if isinstance(value, dict):
        return {storable(str(key)): storable_tree(item) for key, item in value.items()}
    return value


def line(text: str) -> str:
    """One line of text: control characters gone, runs of blanks made one, edges bare."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _BLANKS.sub(" ", _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))).strip(_EDGES)


def block(text: str) -> str:
    """Several lines of text: line ends as \\n, other control characters gone, edges bare."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", unified)).strip(_EDGES)


def fold(text: str) -> str:
    """What two spellings have in common: case, accents, punctuation and width do not count."""
    spread = unicodedata.normalize("NFKD", text.casefold().translate(_WHOLE))
    bare = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return _NO_WORD.sub(" ", bare.replace("_", " ")).strip()
