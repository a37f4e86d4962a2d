"""manage.py soak CONNECTION: prove a connection to a sandbox under faults."""

import json
import secrets
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crmsync.models import Connection
from crmsync.soak.run import Soak

HERE = "127.0.0.1"


class Command(BaseCommand):
    """Makes deals there and here, changes them on both sides while the network fails, and compares every field."""

    help = "Prove a connection to a sandbox under faults. It makes test deals on both sides."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names that are relied on from outside."""
        parser.add_argument("connection", metavar="CONNECTION", help="short name of the connection")
        parser.add_argument("--ops", type=int, default=2000, metavar="N", help="changes to make at least")
        parser.add_argument("--faults", type=int, default=500, metavar="N", help="faults to fire at least")
        parser.add_argument("--seed", type=int, metavar="S", help="repeats a run; a random one is printed")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run and tell; status 1 where anything is lost, doubled, wrong or out of order."""
        connection = Connection.objects.filter(slug=options["connection"]).first()
        if connection is None:
            raise CommandError(f"There is no connection “{options['connection']}”.")
        if not connection.config.get("sandbox"):
            raise CommandError(
                "A soak run makes test deals, here and there. Where the CRM is a sandbox and this installation a test, "
                "say so in the connection's configuration: “sandbox”: true."
            )
        seed = secrets.randbelow(2**31) if options["seed"] is None else options["seed"]
        if HERE not in settings.OUTBOUND_ALLOW_PRIVATE:
            # The failing network of the run listens on this machine.
            settings.OUTBOUND_ALLOW_PRIVATE = [*settings.OUTBOUND_ALLOW_PRIVATE, HERE]
        say = self.stderr.write
        told = Soak(connection, ops=options["ops"], faults=options["faults"], seed=seed, say=say).run()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(told), ensure_ascii=False))
        else:
            self.stdout.write(
                f"{connection.name}, seed {told.seed}: {told.ops:,} changes of {told.deals:,} deals, "
                f"{told.faults:,} faults, {told.seconds} s.\n"
                f"lost {told.lost}, duplicate {told.duplicate}, wrong {told.wrong}, out of order {told.out_of_order}, "
                f"dead {told.dead}, unfinished {told.unfinished}"
            )
        if not told.is_clean:
            raise SystemExit(1)
