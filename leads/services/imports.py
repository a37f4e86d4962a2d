"""Files brought in through the browser: kept, mapped, tried, run in spells by a worker, stopped, undone.

The row of the run is the truth; a job is a nudge. A run that lost its worker goes on where its last batch ended: rows
that came before change nothing.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.imports.batch import bring_in
from leads.imports.errors import UnreadableFile
from leads.imports.mapping import Mapper
from leads.imports.planner import MANY, tell_the_planner
from leads.imports.propose import propose
from leads.imports.run import IDENTITIES, TOUCHED, import_file
from leads.imports.table import Row, Table, open_table
from leads.imports.workbook import is_workbook, sheets
from leads.models import Capture, Channel, Contact, ImportMapping, ImportRun, User
from leads.normalise import read_submission
from leads.normalise.refusal import Refused

State = ImportRun.State
RUN, TRY, PAIRS = "leads.tasks.run_import", "leads.tasks.try_import", "leads.tasks.pair_import"
FOLDER = "imports"
MOST_BYTES = 200 * 1024 * 1024
BATCH = 1000
# A job's time is limited; the next one goes on.
SPELL_SECONDS = 45.0
# A worker that was lost is noticed after this.
LOST_AFTER = timedelta(minutes=3)
MOST_TRIED = 20_000
PREVIEW = 8
PAIRS_AT_ONCE = 500


class WrongState(DomainError):
    """The import is not where this can be done."""

    code = "wrong_state"


@dataclass(frozen=True)
class Shown:
    """One row of the preview: its cells as they stand, what would become of it, and why."""

    line: int
    cells: list[str]
    verdict: str
    note: str = ""


def path_of(run: ImportRun) -> Path:
    """Where the file of a run is kept until the run is over."""
    return Path(settings.VAR_DIR) / FOLDER / f"{run.pk}.upload"


def upload(channel: Channel, file: "UploadedFile[Any]", *, by: User) -> ImportRun:
    """Keep a file and look at it. Raises UnreadableFile, and nothing is left behind then."""
    if (file.size or 0) > MOST_BYTES:
        most = {"megabytes": MOST_BYTES // 1024 // 1024}
        raise UnreadableFile(_("The file is larger than %(megabytes)d MB: split it, or use import_leads.") % most)
    name = Path(file.name or "file").name[:255]
    run = ImportRun.objects.create(channel=channel, file_name=name, started_at=now(), by=by, state=State.UPLOADED)
    path = path_of(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        look_at(run, {})
    except (UnreadableFile, OSError):
        path.unlink(missing_ok=True)
        run.delete()
        raise
    return run


def look_at(run: ImportRun, options: Mapping[str, str]) -> Table:
    """Read the file's head by these options and propose a mapping: the remembered one, else from the headers."""
    table = _table(run, options)
    remembered = ImportMapping.objects.filter(channel=run.channel, signature=signature_of(table.headers)).first()
    mapper = Mapper.from_json(remembered.mapping) if remembered else propose(table.headers, table.sample())
    run.options, run.headers, run.mapping = dict(options), table.headers, mapper.as_json()
    run.total = sum(1 for _row in table.rows())
    run.trial = None
    run.save(update_fields=["options", "headers", "mapping", "total", "trial"])
    return table


def _table(run: ImportRun, options: Mapping[str, Any]) -> Table:
    return open_table(
        path_of(run), delimiter=str(options.get("delimiter") or ""), sheet=str(options.get("sheet") or "")
    )


def sheets_of(run: ImportRun) -> list[str]:
    """The sheets of a workbook; none for other files."""
    path = path_of(run)
    return sheets(path) if path.exists() and is_workbook(path) else []


def signature_of(headers: Iterable[str]) -> str:
    """What two files of the same columns have in common."""
    return hashlib.sha256(json.dumps(sorted(headers), ensure_ascii=False).encode()).hexdigest()


def set_mapping(run: ImportRun, fields: Mapping[str, str], dropped: Iterable[str]) -> None:
    """Take over which column is which, and remember it. Raises InvalidInput where nothing says who a row is about."""
    mapper = Mapper.from_json(run.mapping)
    known = {name: column for name, column in fields.items() if column in run.headers}
    if not any(name in known for name in IDENTITIES):
        message = _("Choose the column with the e-mail address, the phone number or your own id.")
        raise InvalidInput(message, fields={"email": message})
    formats = {name: told for name, told in mapper.formats.items() if known.get(name) == mapper.fields.get(name)}
    kept = Mapper(known, formats, mapper.constants, mapper.values, mapper.history, list(dropped))
    run.mapping, run.trial = kept.as_json(), None
    run.save(update_fields=["mapping", "trial"])
    ImportMapping.objects.update_or_create(
        channel=run.channel, signature=signature_of(run.headers), defaults={"mapping": run.mapping, "at": now()}
    )


def preview(run: ImportRun) -> list[Shown]:
    """The first rows, and what would become of each."""
    table, mapper = _table(run, run.options), Mapper.from_json(run.mapping)
    return [_shown(row, mapper) for row in islice(table.rows(), PREVIEW)]


def _shown(row: Row, mapper: Mapper) -> Shown:
    cells = list(row.cells.values())
    if row.problem:
        return Shown(row.line, cells, "refused", row.problem)
    try:
        found = read_submission(mapper.payload(row.cells), received_at=now())
    except Refused as refusal:
        note = " ".join(f"{one.field}: {one.detail}" if one.field else one.detail for one in refusal.problems)
        return Shown(row.line, cells, "refused", note)
    known = bool(found.email_key) and Contact.objects.filter(email_key=found.email_key).exists()
    notes = " ".join(f"{one.field}: {one.detail}" for one in found.problems)
    return Shown(row.line, cells, "joined" if known else "created", notes)


def begin_trial(run_id: int) -> None:
    """Have a worker try the file: what would come of it, nothing is written. Raises WrongState."""
    _move(run_id, (State.UPLOADED, State.CHECKED), State.CHECKING, TRY)


def begin_run(run_id: int) -> None:
    """Have a worker bring the file in. Raises WrongState."""
    _move(run_id, (State.UPLOADED, State.CHECKED, State.CANCELED), State.RUNNING, RUN)


def _move(run_id: int, before: tuple[str, ...], after: str, job: str) -> None:
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().get(pk=run_id)
        if run.state == after:
            return
        if run.state not in before:
            raise WrongState(
                _("This import is %(state)s; that cannot be done now.") % {"state": run.get_state_display()}
            )
        if not path_of(run).exists():
            raise WrongState(_("The file is not there any more: upload it again."))
        run.state, run.stop, run.error = after, False, ""
        run.save(update_fields=["state", "stop", "error"])
        enqueue(job, run_id)


def stop(run_id: int) -> None:
    """Have a run end after its present batch; what is in stays, and can be undone."""
    ImportRun.objects.filter(pk=run_id, state=State.RUNNING).update(stop=True)


def try_file(run_id: int) -> str:
    """Job: try the file, at most its first twenty thousand rows."""
    run = ImportRun.objects.select_related("channel").get(pk=run_id)
    if run.state != State.CHECKING:
        return "nothing to try"
    try:
        outcome = import_file(
            path_of(run),
            run.channel,
            Mapper.from_json(run.mapping),
            delimiter=str(run.options.get("delimiter") or ""),
            sheet=str(run.options.get("sheet") or ""),
            dry_run=True,
            most_rows=MOST_TRIED,
        )
    except DomainError as error:
        ImportRun.objects.filter(pk=run_id).update(state=State.UPLOADED, error=str(error))
        return "unreadable"
    told = outcome.as_json()
    run.trial = {name: told[name] for name in ("rows", "created", "joined", "unchanged", "refused")}
    run.trial["refused_rows"] = told["refused_rows"][:50]
    ImportRun.objects.filter(pk=run_id, state=State.CHECKING).update(state=State.CHECKED, trial=run.trial)
    return f"{outcome.rows} tried"


def run_file(run_id: int) -> str:
    """Job: bring the file in for a spell, then hand on to the next job. Safe to run twice: one of them works."""
    ends = time.monotonic() + SPELL_SECONDS
    run = ImportRun.objects.select_related("channel").get(pk=run_id)
    if run.state != State.RUNNING:
        return "not running"
    try:
        table = _table(run, run.options)
        rows = islice(table.rows(), run.rows, None)
        mapper = Mapper.from_json(run.mapping)
        while batch := list(islice(rows, BATCH)):
            if not _one_batch(run_id, mapper, batch, run.rows):
                return "stopped"
            run.rows += len(batch)
            if time.monotonic() > ends:
                enqueue(RUN, run_id)
                return f"{run.rows} rows so far"
    except (DomainError, OSError, UnicodeError) as error:
        ImportRun.objects.filter(pk=run_id).update(state=State.FAILED, error=str(error), finished_at=now())
        return "failed"
    _finish(run_id)
    return f"{run.rows} rows"


def _one_batch(run_id: int, mapper: Mapper, rows: list[Row], expected: int) -> bool:
    """One batch with its counts in one transaction; False where it is to stop, or somebody else goes on already."""
    with transaction.atomic():
        run = ImportRun.objects.select_for_update(of=("self",)).select_related("channel").get(pk=run_id)
        if run.state != State.RUNNING or run.rows != expected:
            return False
        if run.stop:
            run.state, run.finished_at = State.CANCELED, now()
            run.save(update_fields=["state", "finished_at"])
            return False
        counts = bring_in(run, mapper, rows, now())
        run.rows += len(rows)
        run.created += counts.created
        run.joined += counts.joined
        run.unchanged += counts.unchanged
        run.refused += len(counts.refused)
        run.finished_at = now()
        run.save(update_fields=["rows", "created", "joined", "unchanged", "refused", "finished_at"])
    return True


def _finish(run_id: int) -> None:
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().get(pk=run_id)
        if run.state != State.RUNNING:
            return
        run.state, run.finished_at, run.total = State.DONE, now(), run.rows
        run.save(update_fields=["state", "finished_at", "total"])
        enqueue(PAIRS, run_id, 0)
    if run.created + run.joined >= MANY:
        tell_the_planner(TOUCHED)
    path_of(run).unlink(missing_ok=True)


def nudge_lost(at: datetime) -> int:
    """Clock: runs whose worker was lost go on. Returns how many."""
    lost = ImportRun.objects.filter(state__in=[State.RUNNING, State.CHECKING])
    count = 0
    for run in lost.filter(finished_at__lt=at - LOST_AFTER) | lost.filter(
        finished_at=None, started_at__lt=at - LOST_AFTER
    ):
        ImportRun.objects.filter(pk=run.pk).update(finished_at=at)
        enqueue(RUN if run.state == State.RUNNING else TRY, run.pk)
        count += 1
    return count


def pair(run_id: int, after: int) -> str:
    """Job: look for people who may be known among those that the run brought in, in spells."""
    from leads.services.duplicates import find_all

    new = Capture.objects.filter(context__run=run_id, match_reason="new", contact__gt=after)
    keys = sorted(set(new.order_by("contact").values_list("contact", flat=True)[:PAIRS_AT_ONCE]))
    found = find_all([key for key in keys if key], now())
    if len(keys) == PAIRS_AT_ONCE and keys[-1]:
        enqueue(PAIRS, run_id, keys[-1])
    return f"{found} pairs"
