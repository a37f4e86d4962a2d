"""Run this host's workers."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from leadmgmt.core.crew import Crew


class Command(BaseCommand):
    """Works off the queue until Ctrl-C or SIGTERM; every worker finishes the job at hand first."""

    help = "Runs the workers that carry out queued jobs (manage.py start does this too)."

    def add_arguments(self, parser: CommandParser) -> None:
        """One option: how many."""
        parser.add_argument("--workers", type=int, default=settings.WORKERS, help="how many workers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        Crew(options["workers"]).run()
