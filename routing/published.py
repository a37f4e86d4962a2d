"""The rule set that decides, parsed once per process."""

from dataclasses import dataclass

from leads.configuration import Kept
from routing.decide import RuleView, readable
from routing.models import Rule, RuleSet


@dataclass(frozen=True)
class PublishedRules:
    """One version, ready to decide."""

    id: int
    version: int
    rules: tuple[RuleView, ...]


def _load() -> PublishedRules | None:
    row = RuleSet.objects.filter(status=RuleSet.Status.PUBLISHED).values_list("pk", "version").first()
    return PublishedRules(*row, rules_of(row[0])) if row else None


_published = Kept(_load, "routing_ruleset", "routing_rule")


def published_rules() -> PublishedRules | None:
    """The published version, None if there is none."""
    return _published()


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
