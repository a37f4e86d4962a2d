"""The configuration as text: write it out, try one, put one in place."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadmgmt.config_text.text import Plan, put, write
from leadmgmt.core.now import now
from leads.models import User


class Command(BaseCommand):
    """``config write``, ``config try FILE``, ``config put FILE``."""

    help = "Writes the configuration as text, says what a text would change, or puts it in place as one."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, with which file."""
        parser.add_argument("act", choices=["write", "try", "put"])
        parser.add_argument("file", nargs="?", default="-", help="- for standard input or output")
        parser.add_argument("--remove", action="store_true", help="take away what the text's parts do not name")
        parser.add_argument("--by", default="", help="the e-mail address of whose doing it is")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; exit code 1 where the text cannot be used."""
        file = options["file"]
        if options["act"] == "write":
            self._write(file)
            return
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file}: {error}") from None
        by = User.objects.filter(email=options["by"]).first()
        if options["by"] and by is None:
            raise CommandError(f"Nobody has the address {options['by']}.")
        self._tell(put(text, by, now(), is_trial=options["act"] == "try", removes=options["remove"]))

    def _write(self, file: str) -> None:
        if file == "-":
            self.stdout.write(write(), ending="")
        else:
            Path(file).write_text(write())

    def _tell(self, plan: Plan) -> None:
        if plan.wrong:
            for wrong in plan.wrong:
                self.stderr.write(str(wrong))
            raise CommandError(f"{len(plan.wrong)} to mend; nothing was changed.")
        for done in plan.done:
            for row in reversed(done.rows):
                self.stdout.write(f"{row.change.act}: {row.word} {row.name}")
                for one in row.differences if row.change.act == "changed" else ():
                    shown = [f"  {sign} {text}" for sign, text in one.lines] or [f"  {one.before} → {one.after}"]
                    self.stdout.write(f"  {one.label}")
                    self.stdout.write("\n".join(shown))
        self.stdout.write(f"{plan.count} rows {'changed' if plan.is_in_place else 'would change'}.")
