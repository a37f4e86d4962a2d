"""Builds a demo organisation with its last months, or keeps new leads coming."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from leadmgmt.core.now import now
from leadmgmt.demo import build
from leadmgmt.demo.live import live
from leadmgmt.tables import bring_up_to_date

LEADS, DAYS, SEED = 2000, 90, 20


class Command(BaseCommand):
    """Safe to run again: an organisation that is there stays as it is, unless --leads asks for more."""

    help = "Fills an empty installation with a demo organisation whose leads were moved by the real services."

    def add_arguments(self, parser: CommandParser) -> None:
        """How much, how far back, and whether to go on."""
        parser.add_argument("--leads", type=int, help=f"how many people show interest (default {LEADS}; 0: none)")
        parser.add_argument("--days", type=int, default=DAYS, help=f"how far the past reaches (default {DAYS})")
        parser.add_argument("--seed", type=int, default=SEED, help="another number gives other people")
        parser.add_argument("--live", action="store_true", help="keep new leads coming until Ctrl-C")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build what is missing, then go on if asked to."""
        bring_up_to_date(self.say)
        file = settings.VAR_DIR / "demo.json"
        if not build.is_built():
            leads = LEADS if options["leads"] is None else options["leads"]
            build.build(leads, options["days"], options["seed"], self.say)
            build.hand_out_keys(file)
        elif options["leads"]:
            seed = build.next_seed(options["seed"])
            build.tell_past(options["leads"], options["days"], seed, self.say, now())
        elif not options["live"]:
            self.say(
                "There is an organisation already; nothing was added. --leads N adds leads, --live keeps them coming."
            )
        if options["live"]:
            live(options["seed"], self.say)

    def say(self, line: str) -> None:
        """One line for the person, at once."""
        self.stdout.write(line)
        self.stdout.flush()
