"""Some thousand rows of a file become captures, contacts, leads, touchpoints and events in one transaction."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from leadmgmt.core.places import place_of
from leads.imports.mapping import Mapper
from leads.imports.table import Row
from leads.models import Capture, Channel, ImportRow, ImportRun
from leads.normalise import Problem, Submission, read_submission
from leads.normalise.refusal import Refused
from leads.normalise.text import storable
from leads.services.attach import Item, attach
from leads.services.capture import payload_hash
from leads.suppression import VERDICT, is_erased, refusal

log = logging.getLogger(__name__)
# "lead" and "file": one batch at a time, whatever file it comes from.
FILE_LOCK = (0x6C656164, 0x66696C65)
ATTEMPTS = 5
LONGEST_KEPT_CELL = 10_000


@dataclass
class Counts:
    """What became of rows."""

    created: int = 0
    joined: int = 0
    unchanged: int = 0
    refused: list[ImportRow] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        """Sum up."""
        self.created += other.created
        self.joined += other.joined
        self.unchanged += other.unchanged
        self.refused += other.refused


@dataclass(frozen=True)
class _Read:
    """One row that can be used."""

    row: Row
    capture: Capture
    found: Submission


def row_key(cells: dict[str, str]) -> str:
    """What a row is known by when the file comes again: all of its cells."""
    text = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
    return "row-" + hashlib.sha256(text.encode()).hexdigest()


def row_payload(row: Row) -> dict[str, str]:
    """The raw row as it is kept."""
    return {storable(name): storable(cell) for name, cell in row.cells.items()}


def bring_in(run: ImportRun, mapper: Mapper, rows: Sequence[Row], at: datetime) -> Counts:
    """Bring rows in; a row that cannot be used is kept as an ImportRow with its line and reason, the others go on."""
    counts = Counts()
    usable: list[_Read] = []
    raws = [(row, row_payload(row)) for row in rows]
    keys = [row_key(raw) for _row, raw in raws]
    known = _known(run.channel, keys)
    for (row, raw), key in zip(raws, keys, strict=True):
        if key in known:
            counts.unchanged += 1
            continue
        try:
            usable.append(_read(run, mapper, row, raw, key, at))
        except Refused as refused:
            kept = Row(row.line, {}) if refused.code == VERDICT else row
            counts.refused.append(_refused(run, kept, refused.problems))
    counts.add(_attach(run, usable, at))
    ImportRow.objects.bulk_create(counts.refused)
    return counts


def _known(channel: Channel, keys: Sequence[str]) -> set[str]:
    """Which of these rows came before."""
    rows = Capture.objects.filter(channel=channel, idempotency_key__among=keys)
    return set(rows.values_list("idempotency_key", flat=True))


def _read(run: ImportRun, mapper: Mapper, row: Row, raw: dict[str, str], key: str, at: datetime) -> _Read:
    if row.problem:
        raise Refused(row.problem, [Problem("", row.problem)])
    found = read_submission(mapper.payload(raw), received_at=at)
    if is_erased(found):
        raise refusal(found)
    context: dict[str, Any] = {"run": run.pk, "line": row.line}
    if mapper.history:
        context["history"] = True
    capture = Capture(
        channel=run.channel,
        status=Capture.Status.ACCEPTED,
        received_at=at,
        occurred_at=found.occurred_at,
        payload=raw,
        payload_hash=payload_hash(raw),
        idempotency_key=key,
        external_id=found.external_id,
        context=context,
    )
    return _Read(row, capture, found)


def _attach(run: ImportRun, usable: Sequence[_Read], at: datetime) -> Counts:
    """All rows at once; where that fails, row by row, so that one of them does not stop the others."""
    if not usable:
        return Counts()
    failure: Exception | None = None
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _attach_at_once(run.channel, usable, at)
        except DatabaseError as error:
            # Somebody made the same contact at the same instant, or two waited for each other: theirs is found.
            failure = error
        except Exception as error:
            failure = error
            break
    log.error("%d rows from line %d on failed: %s", len(usable), usable[0].row.line, place_of(failure))
    if len(usable) == 1:
        told = _("The row could not be stored (%(kind)s).") % {"kind": type(failure).__name__}
        return Counts(refused=[_refused(run, usable[0].row, [Problem("", told)])])
    counts = Counts()
    middle = len(usable) // 2
    for half in (usable[:middle], usable[middle:]):
        counts.add(_attach(run, half, at))
    return counts


def _attach_at_once(channel: Channel, usable: Sequence[_Read], at: datetime) -> Counts:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", FILE_LOCK)
    known = _known(channel, [one.capture.idempotency_key for one in usable])
    fresh: dict[str, _Read] = {}
    for one in usable:
        if one.capture.idempotency_key not in known:
            fresh.setdefault(one.capture.idempotency_key, one)
    items = [Item(one.capture, one.found, history="history" in one.capture.context) for one in fresh.values()]
    touches = attach(items, at=at)
    created = sum(touch.begins for touch in touches)
    return Counts(created=created, joined=len(touches) - created, unchanged=len(usable) - len(items))


def _refused(run: ImportRun, row: Row, problems: Sequence[Problem]) -> ImportRow:
    cells = {name[:LONGEST_KEPT_CELL]: cell[:LONGEST_KEPT_CELL] for name, cell in row_payload(row).items()}
    return ImportRow(
        run=run,
        line=row.line,
        cells=cells,
        field=", ".join(dict.fromkeys(problem.field for problem in problems if problem.field))[:120],
        reason=" ".join(problem.detail for problem in problems),
    )
