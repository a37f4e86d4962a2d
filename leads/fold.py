"""Text without upper case, the same in Python and in SQL whatever the database's locale.

PostgreSQL's ``lower`` depends on the collation and disagrees with Python on some letters. Conditions must hold for
the same leads in both, so case is folded by one table of single letters: Latin, Greek and Cyrillic.
"""

from typing import Any

from django.db.models import Func, TextField
from django.db.models.expressions import Combinable

_RANGES = (range(0x41, 0x5B), range(0xC0, 0x180), range(0x386, 0x3AC), range(0x400, 0x482))


def _pairs() -> dict[str, str]:
    pairs = {}
    for letters in _RANGES:
        for letter in map(chr, letters):
            small = letter.lower()
            if letter != small and len(small) == 1:
                pairs[letter] = small
    return pairs


PAIRS = _pairs()
_TABLE = str.maketrans(PAIRS)


def fold(text: str) -> str:
    """``text`` in lower case; its length stays."""
    return text.lower() if text.isascii() else text.translate(_TABLE)


def fold_sql(text: str) -> str:
    """The same in SQL, of an expression that is written there several times.

    The long table is looked through for each letter; most texts have only letters of the short one.
    """
    ascii_pairs = {letter: small for letter, small in PAIRS.items() if letter.isascii()}
    short, whole = (f"'{''.join(pairs)}', '{''.join(pairs.values())}'" for pairs in (ascii_pairs, PAIRS))
    return (
        f"CASE WHEN octet_length({text}) = char_length({text}) THEN translate({text}, {short})"
        f" ELSE translate({text}, {whole}) END"
    )


class Fold(Func):
    """The same in SQL, as an expression."""

    output_field = TextField()

    def __init__(self, text: Combinable) -> None:
        super().__init__(text)

    def as_sql(self, compiler: Any, connection: Any, *_how: Any, **_extra: Any) -> Any:
        """The text wherever it is needed, its parameters too."""
        text, params = compiler.compile(self.source_expressions[0])
        once = f"({text})"
        return f"({fold_sql(once)})", [*params, *params, *params, *params]
