"""Cells of a CSV that a spreadsheet may open: what begins like a formula is kept from being one."""

import re
from collections.abc import Iterable
from typing import Any

# OWASP, "CSV Injection": these make a spreadsheet evaluate the cell.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# A plain number or phone number evaluates to itself.
HARMLESS = re.compile(r"[+-]?\d+([.,]\d+)?")


def safe_cell(value: Any) -> str:
    """The value as text, with an apostrophe before what would be a formula."""
    text = "" if value is None else str(value)
    if text.startswith(STARTS) and not HARMLESS.fullmatch(text):
        return f"'{text}"
    return text


def safe_row(values: Iterable[Any]) -> list[str]:
    """A row of safe cells."""
    return [safe_cell(value) for value in values]


class Echo:
    """A file that gives back what is written to it, so that a CSV streams."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text
