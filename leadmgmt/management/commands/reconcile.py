"""manage.py reconcile CONNECTION: what a CRM and we do not agree on."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crmsync.models import Connection
from crmsync.services.reconcile import reconcile
from leadmgmt.core.errors import ConfigurationError, DomainError


class Command(BaseCommand):
    """Compares every record; changes nothing. Ends with status 1 where something differs."""

    help = "Compare every record of a CRM with what we know of it. Nothing is changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names that are relied on from outside."""
        parser.add_argument("connection", metavar="CONNECTION", help="short name of the connection")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare and tell."""
        connection = Connection.objects.filter(slug=options["connection"]).first()
        if connection is None:
            known = ", ".join(Connection.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no connection “{options['connection']}”. Known: {known}.")
        try:
            report = reconcile(connection)
        except (DomainError, ConfigurationError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False))
        else:
            self.stdout.write(f"{connection.name}: {report.remote:,} records there, {report.links:,} links here.")
            for kind, count in sorted(report.counts.items()):
                self.stdout.write(f"  {kind}: {count:,}")
                for sample in report.samples[kind][:5]:
                    self.stdout.write(f"    {sample}")
        if report.counts:
            raise SystemExit(1)
        if not options["json"]:
            self.stdout.write("Both sides agree.")
