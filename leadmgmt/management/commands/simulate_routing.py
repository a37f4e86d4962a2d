"""manage.py simulate_routing RULESET_VERSION --since D: replay past decisions through a version of the rules."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leadmgmt.core.now import now
from leads.cohort import day_start
from routing.models import RuleSet
from routing.replay.report import Report
from routing.replay.run import replay


class Command(BaseCommand):
    """Says what the version would have made of each lead, from facts, people and turns as they were."""

    help = "Replay past routing decisions through a version of the rules. Changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names that are relied on from outside."""
        parser.add_argument("version", type=int, metavar="RULESET_VERSION")
        parser.add_argument("--since", type=moment, required=True, metavar="D", help="a day (2026-07-01) or 90d")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay and tell."""
        rule_set = RuleSet.objects.filter(version=options["version"]).first()
        if rule_set is None:
            raise CommandError(f"There is no version {options['version']} of the rules.")
        found = replay(rule_set, options["since"], now())
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
        else:
            self._tell(found)

    def _tell(self, found: Report) -> None:
        self.stdout.write(
            f"{found.leads} leads since {found.since[:10]} through version {found.version}: {found.moved} would go "
            f"elsewhere, {found.unmatched} would find no rule (then {found.unmatched_before})."
        )
        self.stdout.write(
            f"{found.same} to the same person; {found.by_rule} changed by a rule, {found.by_rotation} by the turns."
        )
        for rule in found.rules:
            self.stdout.write(
                f"{rule['position']:>4} {rule['leads']:>8} {rule['before']:>8}  {rule['name']} → {rule['destination']}"
            )


def moment(text: str) -> datetime:
    """A day in the organisation's zone, or so many days back."""
    if text.removesuffix("d").isdigit() and text.endswith("d") and len(text) < 7:
        return now() - timedelta(days=int(text[:-1]))
    try:
        return day_start(date.fromisoformat(text))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a day such as 2026-07-01 nor a span such as 90d") from None
