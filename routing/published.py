"""The rule set that decides, and the one that is tried beside it, parsed once per process."""

from dataclasses import dataclass
from hashlib import sha256

from leads.configuration import Kept
from routing.decide import RuleView, readable
from routing.models import Rule, RuleSet


@dataclass(frozen=True)
class PublishedRules:
    """One version, ready to decide."""

    id: int
    version: int
    rules: tuple[RuleView, ...]


@dataclass(frozen=True)
class Deciding:
    """What decides at a time; ``share`` of a hundred leads go by the ``canary``."""

    published: PublishedRules | None = None
    canary: PublishedRules | None = None
    share: int = 0


def _load() -> Deciding:
    rows = RuleSet.objects.filter(status__in=[RuleSet.Status.PUBLISHED, RuleSet.Status.CANARY])
    found = {row.status: row for row in rows}
    read = {status: PublishedRules(row.pk, row.version, rules_of(row.pk)) for status, row in found.items()}
    canary = found.get(RuleSet.Status.CANARY)
    return Deciding(
        read.get(RuleSet.Status.PUBLISHED), read.get(RuleSet.Status.CANARY), canary.canary_share or 0 if canary else 0
    )


_deciding = Kept(_load, "routing_ruleset", "routing_rule")


def rules_for(lead_id: int) -> PublishedRules | None:
    """The version that decides about this lead: the published one, or the one that is tried. None if there is none.

    The same lead always falls to the same side, as long as the same version is tried.
    """
    deciding = _deciding()
    if deciding.canary and deciding.published and is_drawn(lead_id, deciding.canary.version, deciding.share):
        return deciding.canary
    return deciding.published


def is_drawn(lead_id: int, version: int, share: int) -> bool:
    """Whether a lead is among the ``share`` per cent that go by the version that is tried."""
    number = int.from_bytes(sha256(f"canary {version}, lead {lead_id}".encode()).digest()[:8], "big")
    return number % 10_000 < share * 100


def rules_of(rule_set_id: int) -> tuple[RuleView, ...]:
    """The active rules of any version, in their order."""
    rules = Rule.objects.filter(rule_set_id=rule_set_id, is_active=True).order_by("position")
    return tuple(view_of(rule) for rule in rules)


def view_of(rule: Rule) -> RuleView:
    """A stored rule as it decides."""
    return RuleView(
        id=rule.pk,
        position=rule.position,
        name=rule.name,
        tree=rule.condition,
        condition=readable(rule.condition),
        destination=rule.destination,
        pool_id=rule.pool_id,
        rep_id=rule.rep_id,
        reason_id=rule.reason_id,
        policy_id=rule.sla_policy_id,
        wants=tuple(rule.wants),
        fallback_pool_id=rule.fallback_pool_id,
        cover_id=rule.cover_id,
    )
