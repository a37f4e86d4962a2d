"""A report's tables as files: CSV for programs, XLSX for people."""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import xlsxwriter
from django.utils import timezone

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.tables import TABLES

LONGEST_NAME = 31
WIDEST = 60


def as_csv(name: str, filters: Filters, params: Mapping[str, str]) -> str:
    """All tables of a report in one file, an empty line between them. Text that a spreadsheet would run is quoted."""
    out = io.StringIO()
    # The mark tells spreadsheets that this is UTF-8.
    out.write("\ufeff")
    writer = csv.writer(out)
    for index, table in enumerate(TABLES[name](filters, params)):
        if index:
            writer.writerow([])
        writer.writerow([table.name, *(list(table.rows[0]) if table.rows else [])])
        for row in table.rows:
            writer.writerow(["", *(_harmless(value) for value in row.values())])
    return out.getvalue()


def as_xlsx(name: str, filters: Filters, params: Mapping[str, str]) -> bytes:
    """A sheet for each table: a head that stays in view, filters on it, numbers as numbers and times as times.

    What somebody wrote is a text, never a formula.
    """
    out = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True, "remove_timezone": True}
    with xlsxwriter.Workbook(out, options) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for table in TABLES[name](filters, params):
            sheet = book.add_worksheet(table.name[:LONGEST_NAME])
            columns = list(table.rows[0]) if table.rows else []
            sheet.write_row(0, 0, columns, head)
            sheet.freeze_panes(1, 1)
            if columns:
                sheet.autofilter(0, 0, len(table.rows), len(columns) - 1)
            for place, column in enumerate(columns):
                longest = max(len(str(row[column])) for row in table.rows[:200])
                sheet.set_column(place, place, min(max(len(column), longest) + 2, WIDEST))
            for number, row in enumerate(table.rows, 1):
                for place, value in enumerate(row.values()):
                    _write(sheet, number, place, value, moment, day)
    return out.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any, moment: Any, day: Any) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, timezone.localtime(value).replace(tzinfo=None), moment)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, day)
    elif isinstance(value, bool) or value is None:
        sheet.write(row, column, "" if value is None else value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, str(value))


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
