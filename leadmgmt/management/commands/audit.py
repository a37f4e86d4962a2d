"""Checks every invariant of the database; one line per breach, exit code 1 if there is any."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadmgmt.audit import CHECKS, run
from leadmgmt.audit.check import MOST_SHOWN


class Command(BaseCommand):
    """Reads only, in one snapshot per check; safe at any time."""

    help = "Checks every invariant of the database; exit code 1 and a line per breach if one does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        """For programs."""
        parser.add_argument("--json", action="store_true", help="one JSON object with every check")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run all checks."""
        found = run(CHECKS)
        breaches = sum(len(broken) for _, broken in found)
        if options["json"]:
            checks = [
                {
                    "name": check.name,
                    "meaning": check.meaning,
                    "holds": not broken,
                    "breaches": [{"row": one.row, "detail": one.detail} for one in broken],
                }
                for check, broken in found
            ]
            self.stdout.write(json.dumps({"holds": not breaches, "checks": checks}, indent=2))
        else:
            for check, broken in found:
                for one in broken[:MOST_SHOWN]:
                    self.stdout.write(f"{check.name}: {one.row} ({one.detail}). {check.meaning}")
                if len(broken) > MOST_SHOWN:
                    self.stdout.write(f"{check.name}: and {len(broken) - MOST_SHOWN} more.")
            self.stdout.write(f"{len(found)} checks, {breaches} breaches.")
        if breaches:
            sys.exit(1)
