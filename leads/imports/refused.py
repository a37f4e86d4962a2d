"""The refused rows as a file that can be mended and brought in again: their own columns, line and reason."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from leadmgmt.core.csv_cells import Echo, safe_row
from leads.models import ImportRow

if TYPE_CHECKING:
    from leads.imports.run import Outcome


def refused_lines(headers: Sequence[str], rows: Iterable[ImportRow]) -> Iterator[str]:
    """The file line by line; what would be a formula in a spreadsheet is kept from being one."""
    writer = csv.writer(Echo())
    # A mark by which Excel knows UTF-8.
    yield "\ufeff" + str(writer.writerow(safe_row([*headers, _("line"), _("reason")])))
    for row in rows:
        cells = [row.cells.get(header, "") for header in headers]
        reason = f"{row.field}: {row.reason}" if row.field else row.reason
        yield str(writer.writerow(safe_row([*cells, row.line, reason])))


def write_refused(path: Path, outcome: "Outcome") -> None:
    """Write the refused rows of a run, of a dry one the first thousand."""
    rows: Iterable[ImportRow] = outcome.refused
    if not outcome.dry_run:
        rows = ImportRow.objects.filter(run=outcome.run).iterator()
    with path.open("w", newline="", encoding="utf-8") as file:
        for text in refused_lines(outcome.table.headers, rows):
            file.write(text)
