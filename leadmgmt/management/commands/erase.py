"""manage.py erase EMAIL: erase a person on request."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leadmgmt.core.errors import InvalidInput
from leads.services.erase import areas, erase


class Command(BaseCommand):
    """Empties every row that tells who somebody is, and says what others still have to do. It cannot be taken back."""

    help = (
        "Erases the person with this address. Figures of the past stay; files and other systems cannot bring them back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names that are relied on from outside."""
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *args: Any, **options: Any) -> None:
        """A line per area and per task; exit 1 where nobody has this address."""
        try:
            erasure = erase(options["email"])
        except InvalidInput as error:
            raise CommandError(str(error)) from error
        if erasure is None:
            raise CommandError("Nobody with this address is known.")
        words = areas()
        for area, count in erasure.told.items():
            self.stdout.write(f"{words.get(area, area)}: {count}")
        for task in erasure.tasks.order_by("pk"):
            self.stdout.write(f"To be deleted by a person in {task.system}: {task.what}")
        self.stdout.write(f"Erased (number {erasure.pk}).")
