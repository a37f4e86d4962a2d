"""Records of separated text, one by one, with their lines; a quotation mark left open costs one line."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

# One cell may hold a long letter; a whole file behind an open quotation mark is no cell.
LONGEST_CELL = 4 * 1024 * 1024
MOST_LINES = 2000
csv.field_size_limit(LONGEST_CELL)


@dataclass(frozen=True)
class Record:
    """Cells with the lines that they stand on; ``text`` is its first line as written."""

    line: int
    last_line: int
    cells: list[str]
    text: str
    problem: str = ""


class _Endless(Exception):
    """A record that goes on and on."""


class _Lines:
    """Physical lines, which can be put back."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source, self._back = source, list[str]()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MOST_LINES:
            raise _Endless
        text = self._back.pop() if self._back else next(self._source)
        self.number += 1
        self.taken.append(text)
        return text

    def put_back(self) -> str:
        """All but the first line of the record go back; returns the first."""
        first, *rest = self.taken
        self._back.extend(reversed(rest))
        self.number -= len(rest)
        return first


class Records:
    """Iterates over records. Spaces around cells stay; quotation marks may hold separators and line ends."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._lines, self._delimiter = _Lines(lines), delimiter

    def __iter__(self) -> Iterator[Record]:
        reader = self._reader()
        while True:
            self._lines.taken = []
            start = self._lines.number + 1
            problem = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _Endless) as error:
                reader = self._reader()
                cells, problem = self._mend(error)
            if not self._lines.taken:
                return
            yield Record(start, self._lines.number, cells, self._lines.taken[0], problem)

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self._delimiter, strict=True, skipinitialspace=True)

    def _mend(self, error: Exception) -> tuple[list[str], str]:
        """Cells of a record that is not well formed, and what is wrong with it, if it cannot be used."""
        never_closed = isinstance(error, _Endless) or "unexpected end" in str(error) or "field limit" in str(error)
        if not never_closed:
            # Text after a closing quotation mark: read as the less strict do.
            return next(csv.reader(list(self._lines.taken), delimiter=self._delimiter), []), ""
        first = self._lines.put_back()
        return first.rstrip("\r\n").split(self._delimiter), _("A quotation mark is opened here and never closed.")
