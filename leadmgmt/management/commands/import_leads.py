"""manage.py import_leads FILE --channel SLUG: bring leads in from a CSV file or a workbook."""

import json
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from leadmgmt.core.errors import DomainError
from leads.imports.errors import UnreadableFile
from leads.imports.refused import write_refused
from leads.imports.run import Outcome, import_file
from leads.imports.toml import read_map
from leads.models import Channel


class Command(BaseCommand):
    """Brings a file in through a channel of kind import, which is made if it does not exist."""

    help = (
        "Bring leads in from a CSV file or a workbook. Rows that came before change nothing; refused rows are listed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names that are relied on from outside."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--channel", required=True, metavar="SLUG", help="short name of the channel")
        parser.add_argument(
            "--map", type=Path, metavar="MAP.toml", help="which column is what; without it, the headers decide"
        )
        parser.add_argument("--sheet", default="", metavar="NAME", help="which sheet of a workbook; else the first")
        parser.add_argument("--delimiter", default="", metavar="SIGN", help="what separates the columns; else guessed")
        parser.add_argument("--refused", type=Path, metavar="FILE", help="write the refused rows with their reasons")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import; a file that cannot be read ends with one sentence and a status other than 0."""
        try:
            with transaction.atomic() if options["dry_run"] else nullcontext():
                outcome = self._run(options)
                if options["dry_run"]:
                    # The channel is taken back too.
                    transaction.set_rollback(True)
        except DomainError as error:
            if options["json"]:
                self.stdout.write(json.dumps({"error": str(error), "code": error.code}, ensure_ascii=False))
            raise CommandError(str(error)) from None
        if options["refused"]:
            write_refused(options["refused"], outcome)
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False))
        else:
            self._tell(outcome)

    def _run(self, options: dict[str, Any]) -> Outcome:
        mapper, delimiter = read_map(options["map"]) if options["map"] else (None, "")
        return import_file(
            options["file"],
            _channel(options["channel"]),
            mapper,
            delimiter=options["delimiter"] or delimiter,
            sheet=options["sheet"],
            dry_run=options["dry_run"],
            progress=None if options["json"] else self._progress,
        )

    def _progress(self, rows: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{rows:,} rows", ending="")

    def _tell(self, outcome: Outcome) -> None:
        told = outcome.as_json()
        if self.stderr.isatty():
            self.stderr.write("\r", ending="")
        columns = ", ".join(f"{ours} = “{theirs}”" for ours, theirs in outcome.mapper.fields.items())
        self.stdout.write(
            f"{told['file']}: {told['encoding']}, separated by {told['delimiter']!r}. Read as: {columns}."
        )
        verb = "would be" if outcome.dry_run else "are"
        rate = outcome.rows / max(outcome.seconds, 0.001)
        self.stdout.write(
            f"{outcome.rows:,} rows in {outcome.seconds:.1f} s ({rate:,.0f} a second): {told['created']:,} {verb} new "
            f"leads, {told['joined']:,} joined one, {told['unchanged']:,} unchanged, {told['refused']:,} refused."
        )
        for row in outcome.refused[:20]:
            field = f" {row.field}:" if row.field else ""
            self.stdout.write(f"  line {row.line}:{field} {row.reason}")
        if outcome.refused_count > 20:
            more = outcome.refused_count - 20
            where = "run without --dry-run to keep them all" if outcome.dry_run else f"see import {outcome.run.pk}"
            self.stdout.write(f"  and {more:,} more; {where}.")


def _channel(slug: str) -> Channel:
    """The channel to bring leads in through."""
    if not slug or len(slug) > 80 or not all(letter.isalnum() or letter in "-_" for letter in slug):
        raise UnreadableFile(f"“{slug[:80]}” is no short name of a channel: use letters, digits, - and _.")
    channel, _made = Channel.objects.get_or_create(
        slug=slug, defaults={"name": slug.replace("-", " ").replace("_", " ").title(), "kind": Channel.Kind.IMPORT}
    )
    if channel.kind != Channel.Kind.IMPORT:
        raise UnreadableFile(f"The channel “{slug}” is of kind {channel.kind}; choose one for file imports.")
    if not channel.is_active:
        raise UnreadableFile(f"The channel “{slug}” is switched off.")
    return channel
