"""manage.py import_deals FILE --map MAP.toml: what became of past leads, from a CSV file."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crmsync.deals.mapping import read_deal_map
from crmsync.deals.run import Outcome, import_deals
from leadmgmt.core.errors import DomainError


class Command(BaseCommand):
    """Brings outcomes in for leads that are there as history; nothing is sent to a CRM."""

    help = "Bring the outcomes of past leads in from a CSV file. Rows that came before change nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names that are relied on from outside."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--map", type=Path, required=True, metavar="MAP.toml", help="which column is what")
        parser.add_argument("--channel", default="", metavar="SLUG", help="the leads' channel, whatever the map names")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import; a file that cannot be read ends with one sentence and a status other than 0."""
        try:
            outcome = import_deals(options["file"], read_deal_map(options["map"]), channel=options["channel"])
        except DomainError as error:
            if options["json"]:
                self.stdout.write(json.dumps({"error": str(error), "code": error.code}, ensure_ascii=False))
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False))
        else:
            self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        run = outcome.run
        self.stdout.write(
            f"{run.file_name}: {run.rows:,} rows in {outcome.seconds:.1f} s: {run.created:,} outcomes brought in, "
            f"{run.unchanged:,} unchanged, {run.refused:,} refused, {outcome.people:,} people new."
        )
        for row in outcome.refused[:20]:
            field = f" {row.field}:" if row.field else ""
            self.stdout.write(f"  line {row.line}:{field} {row.reason}")
        if run.refused > 20:
            self.stdout.write(f"  and {run.refused - 20:,} more; see import {run.pk}.")
