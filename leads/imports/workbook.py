"""Excel and OpenDocument workbooks: one sheet as text, as a person sees it, to be read like any other file."""

import csv
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from leads.imports.errors import UnreadableFile

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
MOST_BYTES = 60 * 1024 * 1024
# A workbook that grows beyond this when it is unpacked is a trap or no list of leads.
MOST_UNPACKED = 600 * 1024 * 1024
MOST_ROWS, MOST_COLUMNS = 1_048_576, 2000


def is_workbook(path: Path) -> bool:
    """Whether the file begins like a workbook, whatever its name."""
    with path.open("rb") as file:
        head = file.read(4)
    return head in (ZIP, OLE)


def sheets(path: Path) -> list[str]:
    """The names of a workbook's sheets. Raises UnreadableFile."""
    return list(_opened(path).sheet_names)


def write_sheet(path: Path, sheet: str, target: Path) -> str:
    """Write one sheet (the first with cells where none is named) as CSV in UTF-8; returns its name.

    Raises UnreadableFile for a workbook that is locked, damaged, or larger than any list.
    """
    book = _opened(path)
    names = list(book.sheet_names)
    if sheet and sheet not in names:
        told = {"sheet": sheet, "names": ", ".join(f"“{name}”" for name in names[:20])}
        raise UnreadableFile(_("The workbook has no sheet “%(sheet)s”. It has %(names)s.") % told)
    for name in [sheet] if sheet else names:
        rows = _rows(book, name)
        if rows or sheet or name == names[-1]:
            with target.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([[shown(cell) for cell in row] for row in rows])
            return name
    raise UnreadableFile(_("The workbook has no sheets."))


def _rows(book: Any, name: str) -> list[list[Any]]:
    try:
        found = book.get_sheet_by_name(name)
        if found.total_height > MOST_ROWS or found.total_width > MOST_COLUMNS:
            told = {"rows": MOST_ROWS, "columns": MOST_COLUMNS}
            raise UnreadableFile(_("The sheet has more than %(rows)d rows or %(columns)d columns.") % told)
        rows: list[list[Any]] = found.to_python(skip_empty_area=False)
        return rows
    except (CalamineError, ValueError, OverflowError) as error:
        raise _damaged(error) from None


def _opened(path: Path) -> Any:
    if path.stat().st_size > MOST_BYTES:
        most = {"megabytes": MOST_BYTES // 1024 // 1024}
        raise UnreadableFile(_("The workbook is larger than %(megabytes)d MB: save the sheet as “CSV UTF-8”.") % most)
    _refuse_bombs(path)
    try:
        return CalamineWorkbook.from_path(str(path))
    except CalamineError as error:
        raise _damaged(error) from None


def _refuse_bombs(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(4) != ZIP:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            names = {entry.filename for entry in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _damaged(error) from None
    if unpacked > MOST_UNPACKED:
        raise UnreadableFile(_("The workbook unpacks to more than any list of leads needs. Save the sheet as CSV."))
    if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
        raise UnreadableFile(_("This is a zip file, but no workbook. Unpack it, and choose the table inside."))


def _damaged(error: Exception) -> UnreadableFile:
    if "assword" in str(error) or "ncrypt" in str(error):
        return UnreadableFile(_("The workbook is locked with a password: save it without one, or as CSV."))
    return UnreadableFile(_("The workbook is damaged or of a kind that cannot be read: save the sheet as “CSV UTF-8”."))


def shown(cell: Any) -> str:
    """A cell as it is seen: whole numbers without a comma, dates as 2026-11-26."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        is_day = (cell.hour, cell.minute, cell.second, cell.microsecond) == (0, 0, 0, 0)
        return cell.date().isoformat() if is_day else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return "" if cell is None else str(cell)
