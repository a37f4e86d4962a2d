"""Do all timed work once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from leadmgmt.clockwork import run
from leadmgmt.core.clock import registered


class Command(BaseCommand):
    """For hosts without the clock, and for a look at what it would do."""

    help = "Does everything that is due, once and now."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run every registered work, whatever its interval; exit 1 if one failed."""
        at = timezone.now()
        failed = []
        for work in registered():
            moved = run(work, at)
            self.stdout.write(f"{work.name}: {'failed' if moved is None else moved}")
            if moved is None:
                failed.append(work.name)
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}.")
