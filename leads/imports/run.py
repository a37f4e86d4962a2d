"""One file through one channel, from its first byte to the last row."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leads.imports.batch import Counts, bring_in
from leads.imports.errors import UnreadableFile
from leads.imports.mapping import Mapper
from leads.imports.planner import MANY, tell_the_planner
from leads.imports.propose import propose
from leads.imports.table import Row, Table, open_table
from leads.models import (
    Capture,
    Channel,
    Company,
    Contact,
    ContactIdentity,
    FieldValue,
    ImportRow,
    ImportRun,
    Lead,
    LeadEvent,
    Touchpoint,
    User,
)

BATCH = 2500
MOST_REFUSED_SHOWN = 1000
IDENTITIES = ("email", "phone", "external_id")
TOUCHED = (Capture, Company, Contact, ContactIdentity, FieldValue, Lead, LeadEvent, Touchpoint)
Progress = Callable[[int], None]


@dataclass
class Outcome:
    """What became of a file."""

    run: ImportRun
    table: Table
    mapper: Mapper
    rows: int = 0
    counts: Counts = field(default_factory=Counts)
    refused: list[ImportRow] = field(default_factory=list)
    refused_count: int = 0
    seconds: float = 0.0
    dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        """For machines; at most a thousand refused rows are listed, all of them are counted and kept."""
        return {
            "file": self.run.file_name,
            "channel": self.run.channel.slug,
            "run": None if self.dry_run else self.run.pk,
            "dry_run": self.dry_run,
            "encoding": self.table.encoding.name,
            "delimiter": self.table.delimiter,
            "mapping": self.mapper.fields,
            "history": self.mapper.history,
            "rows": self.rows,
            "created": self.counts.created,
            "joined": self.counts.joined,
            "unchanged": self.counts.unchanged,
            "refused": self.refused_count,
            "refused_rows": [{"line": row.line, "field": row.field, "reason": row.reason} for row in self.refused],
            "seconds": round(self.seconds, 2),
        }


class _DryRunEnds(Exception):
    """Undoes a dry run."""


def import_file(
    path: Path,
    channel: Channel,
    mapper: Mapper | None = None,
    *,
    delimiter: str = "",
    sheet: str = "",
    dry_run: bool = False,
    most_rows: int = 0,
    by: User | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Bring a file in, batch by batch; rows that came before change nothing. Raises UnreadableFile.

    Each batch is one transaction: a process that is killed halfway leaves whole rows, and the same file run again goes
    on with the rest. A dry run does the same and takes all of it back.
    """
    started = time.monotonic()
    table = open_table(path, wanted=tuple(mapper.fields.values()) if mapper else (), delimiter=delimiter, sheet=sheet)
    mapper = mapper or propose(table.headers, table.sample())
    _check(table, mapper)
    run = ImportRun(channel=channel, file_name=path.name[:255], started_at=now(), by=by, mapping=mapper.as_json())
    outcome = Outcome(run, table, mapper, dry_run=dry_run)
    if dry_run:
        try:
            with transaction.atomic():
                _bring_all_in(outcome, progress, most_rows)
                raise _DryRunEnds
        except _DryRunEnds:
            pass
    else:
        _bring_all_in(outcome, progress)
        if outcome.counts.created + outcome.counts.joined >= MANY:
            tell_the_planner(TOUCHED)
    outcome.seconds = time.monotonic() - started
    return outcome


def _check(table: Table, mapper: Mapper) -> None:
    if missing := mapper.missing(table.headers):
        raise UnreadableFile(
            _("The file has no column %(missing)s. It has %(headers)s.")
            % {"missing": ", ".join(f"“{name}”" for name in missing), "headers": ", ".join(table.headers)[:500]}
        )
    if not any(name in mapper.fields for name in IDENTITIES):
        raise UnreadableFile(
            _("No column says who a row is about: map email, phone or external_id. The file has %(headers)s.")
            % {"headers": ", ".join(table.headers)[:500]}
        )


def _bring_all_in(outcome: Outcome, progress: Progress | None, most_rows: int = 0) -> None:
    run = outcome.run
    run.save()
    try:
        for rows in _batches(outcome.table.rows()):
            _count(outcome, len(rows), bring_in(run, outcome.mapper, rows, now()))
            if progress:
                progress(outcome.rows)
            if most_rows and outcome.rows >= most_rows:
                break
    except UnicodeError:
        run.error = _("The file is damaged from line %(line)d on.") % {"line": outcome.rows + 1}
        raise UnreadableFile(run.error) from None
    finally:
        run.finished_at = now()
        run.save()


def _count(outcome: Outcome, rows: int, counts: Counts) -> None:
    run = outcome.run
    outcome.rows += rows
    outcome.refused_count += len(counts.refused)
    outcome.refused += counts.refused[: MOST_REFUSED_SHOWN - len(outcome.refused)]
    counts.refused = []
    outcome.counts.add(counts)
    run.rows, run.refused = outcome.rows, outcome.refused_count
    run.created, run.joined, run.unchanged = outcome.counts.created, outcome.counts.joined, outcome.counts.unchanged
    run.save()


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
