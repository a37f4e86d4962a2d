"""What somebody saw before they changed it: of two who edit at once, nobody overwrites what they have not read."""

import json
from collections.abc import Sequence
from hashlib import sha256

from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from routing.models import Rule, RuleSet

CONTENT = (
    "name",
    "condition",
    "destination",
    "pool_id",
    "rep_id",
    "reason_id",
    "sla_policy_id",
    "is_active",
    "wants",
    "fallback_pool_id",
    "cover_id",
)


class ChangedMeanwhile(DomainError):
    """Somebody else was faster."""

    code = "changed_meanwhile"


def rule_mark(rule: Rule) -> str:
    """A short mark of what a rule says; where it stands does not matter."""
    return _digest([rule.pk, *(getattr(rule, name) for name in CONTENT)])


def draft_mark(rule_set: RuleSet, rules: Sequence[Rule] | None = None) -> str:
    """A short mark of everything that a draft says, its order included."""
    if rules is None:
        rules = list(rule_set.rules.order_by("position"))
    return _digest([rule_set.pk, *(rule_mark(rule) for rule in rules)])


def expect_rule(rule: Rule, seen: str) -> None:
    """Refuse where the rule is no longer as it was seen. ``seen`` empty: whoever calls has not looked."""
    if seen and seen != rule_mark(rule):
        raise ChangedMeanwhile(_("Somebody else has changed this rule since you opened it. Nothing was saved."))


def expect_draft(rule_set: RuleSet, seen: str) -> None:
    """The same for the whole draft."""
    if seen and seen != draft_mark(rule_set):
        raise ChangedMeanwhile(
            _("Somebody else has changed the draft since you opened it. Nothing was done; look at it again.")
        )


def _digest(content: object) -> str:
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
