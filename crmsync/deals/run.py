"""One file of past deals, from its first byte to the last row."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from crmsync.deals.bring import Counts, bring_in
from crmsync.deals.mapping import DealMap
from crmsync.models import Opportunity
from leadmgmt.core.now import now
from leads.imports.errors import UnreadableFile
from leads.imports.planner import tell_the_planner
from leads.imports.table import open_table
from leads.models import Channel, ImportRow, ImportRun, Lead, LeadEvent, Touchpoint
from qualification.models import Outcome as ImportedOutcome
from routing.models import Assignment

BATCH = 2000
MOST_SHOWN = 1000


@dataclass
class Outcome:
    """What became of a file."""

    run: ImportRun
    people: int = 0
    refused: list[ImportRow] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For machines; at most a thousand refused rows are listed, all of them are counted and kept."""
        run = self.run
        return {
            "file": run.file_name,
            "channel": run.channel.slug,
            "run": run.pk,
            "rows": run.rows,
            "created": run.created,
            "unchanged": run.unchanged,
            "refused": run.refused,
            "refused_rows": [{"line": row.line, "field": row.field, "reason": row.reason} for row in self.refused],
            "people": self.people,
            "seconds": round(self.seconds, 2),
        }


def import_deals(
    path: Path, mapping: DealMap, *, channel: str = "", progress: Callable[[int], None] | None = None
) -> Outcome:
    """Bring a file in, batch by batch, each in one transaction; rows that came before change nothing.

    Raises UnreadableFile with one sentence for a file or mapping that cannot be read.
    """
    started = time.monotonic()
    through = _channel(channel or mapping.channel)
    table = open_table(path, wanted=tuple(mapping.columns()), delimiter=mapping.delimiter)
    if missing := [column for column in mapping.columns() if column not in table.headers]:
        raise UnreadableFile(
            _("The file has no column %(missing)s. It has %(headers)s.")
            % {
                "missing": ", ".join(f"“{name}”" for name in missing),
                "headers": ", ".join(table.headers)[:500],
            }
        )
    run = ImportRun.objects.create(
        channel=through, file_name=path.name[:255], started_at=now(), mapping=mapping.as_json()
    )
    outcome = Outcome(run)
    rows = table.rows()
    try:
        while batch := list(islice(rows, BATCH)):
            _count(outcome, len(batch), bring_in(run, mapping, batch, now()))
            if progress:
                progress(run.rows)
    except UnicodeError:
        run.error = _("The file is damaged from line %(line)d on.") % {"line": run.rows + 1}
        raise UnreadableFile(run.error) from None
    finally:
        run.finished_at = now()
        run.save()
    if run.created:
        tell_the_planner((Lead, LeadEvent, Touchpoint, Assignment, Opportunity, ImportedOutcome))
    outcome.seconds = time.monotonic() - started
    return outcome


def _count(outcome: Outcome, rows: int, counts: Counts) -> None:
    run = outcome.run
    run.rows += rows
    run.created += counts.created
    run.unchanged += counts.unchanged
    run.refused += len(counts.refused)
    outcome.people += counts.people
    outcome.refused += counts.refused[: MOST_SHOWN - len(outcome.refused)]
    run.save()


def _channel(slug: str) -> Channel:
    if not slug:
        raise UnreadableFile(
            _("Say through which channel the leads came: --channel, or channel in the mapping's [options].")
        )
    channel = Channel.objects.filter(slug=slug).first()
    if channel is None:
        raise UnreadableFile(
            _("There is no channel “%(slug)s”: bring the leads in first, or name their channel with --channel.")
            % {"slug": slug[:80]}
        )
    return channel
