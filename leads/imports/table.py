"""A file of rows under headers, read row by row however it was written."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from django.utils.translation import gettext as _

from leads.imports.encoding import Encoding, find_encoding
from leads.imports.errors import UnreadableFile
from leads.imports.records import Record, Records
from leads.imports.workbook import is_workbook, write_sheet
from leads.normalise.text import line

DELIMITERS = (",", ";", "\t", "|", "^", "~")
SAMPLE_ROWS = 200
HEADER_WITHIN = 30


@dataclass(frozen=True)
class Row:
    """One row under its headers; ``problem`` says why it cannot be used, where it cannot."""

    line: int
    cells: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """How the file is to be read. ``skipped``: lines above the headers."""

    path: Path
    encoding: Encoding
    delimiter: str
    headers: list[str]
    header_line: int
    # A workbook's sheet was written into a file of its own, which lasts as long as this.
    sheet: str = ""
    folder: "TemporaryDirectory[str] | None" = None

    def rows(self) -> Iterator[Row]:
        """All rows; blank ones are passed over, short ones filled up, rows quoted as a whole taken apart."""
        with _open(self.path, self.encoding) as file:
            for record in _records(file, self.delimiter):
                if record.line > self.header_line and any(cell.strip() for cell in record.cells):
                    yield self._row(record)

    def sample(self) -> list[Row]:
        """The first rows."""
        found = []
        for row in self.rows():
            found.append(row)
            if len(found) >= SAMPLE_ROWS:
                break
        return found

    def _row(self, record: Record) -> Row:
        cells = record.cells
        if len(cells) == 1 and len(self.headers) > 1 and self.delimiter in cells[0]:
            apart = next(csv.reader([cells[0]], delimiter=self.delimiter), cells)
            cells = apart if len(apart) == len(self.headers) else cells
        found = dict(zip(self.headers, cells, strict=False))
        if record.problem:
            return Row(record.line, found, record.problem)
        surplus = [cell for cell in cells[len(self.headers) :] if cell.strip()]
        if surplus:
            counts = {"cells": len(cells), "headers": len(self.headers)}
            told = _("The row has %(cells)d cells, the file has %(headers)d columns.") % counts
            return Row(record.line, found | {"…": " | ".join(surplus)}, told)
        return Row(record.line, found)


def open_table(path: Path, *, wanted: tuple[str, ...] = (), delimiter: str = "", sheet: str = "") -> Table:
    """Look at the file and find encoding, separator and headers. ``wanted``: columns that the headers have to hold.

    ``sheet`` names that of a workbook; without it the first one with cells is taken. Raises UnreadableFile.
    """
    folder = None
    try:
        if is_workbook(path):
            folder = TemporaryDirectory(prefix="leadmgmt-sheet-")
            target = Path(folder.name) / "sheet.csv"
            sheet = write_sheet(path, sheet, target)
            path, delimiter = target, ","
        encoding = find_encoding(path)
        head = _head(path, encoding)
    except OSError as error:
        raise UnreadableFile(
            _("The file %(path)s cannot be opened: %(why)s.") % {"path": path, "why": error.strerror or error}
        ) from None
    except UnicodeError:
        raise UnreadableFile(_("The file is damaged: it is not what its first bytes announce.")) from None
    if not delimiter and head[:1] and (told := _told(head[0])):
        delimiter = told
    delimiter = delimiter or _guess(head)
    number, cells = _headers([row for row in Records(iter(head), delimiter) if not _told_row(row)], wanted)
    return Table(path, encoding, delimiter, unique([line(cell) for cell in cells]), number, sheet, folder)


def unique(headers: list[str]) -> list[str]:
    """Headers by which a cell can be found: empty ones get their number, repeated ones a count."""
    seen: Counter[str] = Counter()
    found = []
    for number, header in enumerate(headers, 1):
        name = header or _("column %(number)d") % {"number": number}
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _open(path: Path, encoding: Encoding) -> TextIO:
    # Surrogates and broken pairs of UTF-16 become replacement signs instead of ending the import halfway.
    errors = "replace" if encoding.errors == "strict" and not encoding.codec.startswith("utf-8") else encoding.errors
    return path.open(encoding=encoding.codec, errors=errors, newline="")


def _head(path: Path, encoding: Encoding) -> list[str]:
    with _open(path, encoding) as file:
        return [text for text, _number in zip(file, range(SAMPLE_ROWS), strict=False)]


def _records(file: TextIO, delimiter: str) -> Iterator[Record]:
    return (record for record in Records(iter(file), delimiter) if not _told_row(record))


def _told(first: str) -> str:
    """The separator that a `sep=;` line names."""
    text = first.strip("\r\n\ufeff")
    return text[4:5] if text[:4].lower() == "sep=" and len(text) == 5 else ""


def _told_row(record: Record) -> bool:
    return record.line == 1 and bool(_told(record.text))


def _guess(head: list[str]) -> str:
    """The separator under which most rows have the same number of cells, and more than one."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = Counter(len(record.cells) for record in Records(iter(head), delimiter) if any(record.cells))
        width, count = max(widths.items(), key=lambda pair: (pair[1] * (pair[0] > 1), pair[0]), default=(0, 0))
        score = count / max(1, widths.total()) * min(width, 20) if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _headers(rows: list[Record], wanted: tuple[str, ...]) -> tuple[int, list[str]]:
    """The line with the headers: the one that holds the wanted columns, else the first that is no mere title."""
    rows = [row for row in rows if any(line(cell) for cell in row.cells)]
    if not rows:
        raise UnreadableFile(_("The file holds no rows."))
    for row in rows[:HEADER_WITHIN]:
        if wanted and set(wanted) <= {line(cell) for cell in row.cells}:
            return row.last_line, row.cells
    if wanted:
        return rows[0].last_line, rows[0].cells
    filled = [sum(bool(line(cell)) for cell in row.cells) for row in rows]
    # Titles above a table have fewer cells than its rows have on the whole.
    enough = max(2.0, 0.7 * Counter(filled).most_common(1)[0][0])
    found = next((row for row, count in zip(rows, filled, strict=True) if count >= enough), rows[0])
    return found.last_line, found.cells
