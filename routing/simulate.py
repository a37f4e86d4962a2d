"""Replaying past decisions through a version of the rules: which rule would take each lead, and where it would go.

Facts are those that the certificates recorded, so a replay of the version that decided gives the same rules back. Who
in a pool would have received a lead is not simulated: that hangs on who was there.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from routing.decide import RuleView, first_match
from routing.models import Certificate, Rule, RuleSet
from routing.published import rules_of


@dataclass(frozen=True)
class RuleCount:
    """A rule of the version, how many leads it would take, and how many the rule of its name took then."""

    position: int
    name: str
    destination: str
    leads: int
    before: int


@dataclass
class Replay:
    """What a replay found. ``moves`` counts leads by where they went then and where they would go."""

    version: int
    since: datetime
    leads: int = 0
    moved: int = 0
    unmatched: int = 0
    unmatched_before: int = 0
    rules: list[RuleCount] = field(default_factory=list)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "version": self.version,
            "since": self.since.isoformat(),
            "leads": self.leads,
            "moved": self.moved,
            "unmatched": self.unmatched,
            "unmatched_before": self.unmatched_before,
            "rules": [rule.__dict__ for rule in self.rules],
            "moves": [{"before": old, "after": new, "leads": n} for (old, new), n in sorted(self.moves.items())],
        }

    @property
    def places(self) -> list[str]:
        """Every destination that occurs, in reading order."""
        return sorted({place for pair in self.moves for place in pair})

    @property
    def matrix(self) -> list[tuple[str, list[tuple[int, bool]]]]:
        """Rows of then, columns of now; each cell with whether the lead stays where it was."""
        return [(old, [(self.moves[old, new], old == new) for new in self.places]) for old in self.places]


def replay(rule_set: RuleSet, since: datetime, until: datetime) -> Replay:
    """Every lead's first decision in the period, decided again by ``rule_set``."""
    views = rules_of(rule_set.pk)
    places = _places(rule_set)
    found, now_by, before_by = Replay(rule_set.version, since), Counter[int](), Counter[str]()
    known: dict[int, tuple[str, str]] = {}
    for facts, rule_id in _decisions(since, until):
        name, place = known.get(rule_id or 0) or known.setdefault(rule_id or 0, _then(rule_id))
        rule, _looked = first_match(views, facts)
        new = places[rule.id] if rule else _("unmatched")
        found.leads += 1
        found.moved += new != place
        found.unmatched += rule is None
        found.unmatched_before += rule_id is None
        found.moves[place, new] += 1
        now_by[rule.id if rule else 0] += 1
        before_by[name] += 1
    found.rules = _counts(views, places, now_by, before_by)
    return found


def _counts(
    views: Sequence[RuleView], places: dict[int, str], now_by: Counter[int], before_by: Counter[str]
) -> list[RuleCount]:
    return [
        RuleCount(view.position, view.name, places[view.id], now_by[view.id], before_by[view.name]) for view in views
    ]


def _decisions(since: datetime, until: datetime) -> Iterator[tuple[dict[str, Any], int | None]]:
    """The facts and the rule of each lead's first decision in the period."""
    decided = Certificate.objects.filter(decided_at__gte=since, decided_at__lte=until)
    firsts = decided.order_by("lead", "decided_at", "pk").distinct("lead")
    yield from firsts.values_list("facts", "rule").iterator(chunk_size=2000)


def _then(rule_id: int | None) -> tuple[str, str]:
    """Name and destination of the rule that decided."""
    rule = Rule.objects.select_related("pool", "rep__user", "reason").filter(pk=rule_id or 0).first()
    return (rule.name, place_of(rule)) if rule else ("", _("unmatched"))


def _places(rule_set: RuleSet) -> dict[int, str]:
    rules = rule_set.rules.select_related("pool", "rep__user", "reason")
    return {rule.pk: place_of(rule) for rule in rules}


def place_of(rule: Rule) -> str:
    """Where a rule sends its leads, in a word or two that stay the same over versions."""
    target = Rule.Destination
    if rule.destination == target.ACCOUNT_OWNER:
        return _("account owner, else %(pool)s") % {"pool": rule.pool}
    if rule.destination in (target.POOL, target.REP):
        return str(rule.pool or rule.rep)
    return _("disqualified") if rule.destination == target.DISQUALIFY else _("waiting room")
