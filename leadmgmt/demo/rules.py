"""The demo organisation's routing rules."""

from datetime import datetime
from typing import Any

from leads.models import Reason
from routing.models import Pool, Rule, RuleSet, SlaPolicy

Tree = dict[str, Any]

HOT, CALM = "Hand-raisers: 15 minutes", "Everybody else: 4 hours"

DACH = {"fact": "contact.country", "op": "in", "value": ["DE", "AT", "CH"]}
EUROPE = {
    "fact": "contact.country",
    "op": "in",
    "value": ["NL", "FR", "GB", "IT", "PL", "SE", "DK", "NO", "FI", "BE", "ES", "IE"],
}
HAND_RAISER = {"fact": "lead.subject", "op": "in", "value": ["demo", "pricing", "contact"]}
NOBODY: Tree = {
    "any": [
        {"fact": "contact.email_class", "op": "eq", "value": "disposable"},
        {"fact": "company.industry", "op": "eq", "value": "Education"},
    ]
}

# name, condition, destination, pool, promise
RULES: tuple[tuple[str, Tree, str, str, str], ...] = (
    ("Throw-away addresses and schools", NOBODY, "disqualify", "", ""),
    ("Accounts go to their owner", {"fact": "company.has_owner", "op": "is_true"}, "account_owner", "large", HOT),
    ("Large companies", {"all": [{"fact": "company.staff", "op": "gte", "value": 500}, {"any": [DACH, EUROPE]}]},
     "pool", "large", HOT),
    ("DACH, wants to talk", {"all": [DACH, HAND_RAISER]}, "pool", "dach", HOT),
    ("DACH", DACH, "pool", "dach", CALM),
    ("Europe, wants to talk", {"all": [EUROPE, HAND_RAISER]}, "pool", "europe", HOT),
    ("Europe", EUROPE, "pool", "europe", CALM),
    ("Where we do not sell yet", {"fact": "contact.country", "op": "is_known"}, "waiting", "", ""),
    ("Everybody else", {}, "pool", "dach", CALM),
)  # fmt: skip


def publish(at: datetime) -> RuleSet:
    """Put version 1 in force from ``at`` on."""
    rule_set = RuleSet.objects.create(version=1, status=RuleSet.Status.PUBLISHED, note="First rules", published_at=at)
    pools = {pool.slug: pool for pool in Pool.objects.all()}
    promises = {policy.name: policy for policy in SlaPolicy.objects.all()}
    reasons = Reason.objects.filter(kind=Reason.Kind.DISQUALIFY, is_active=True)
    reason = reasons.filter(code="no-fit").first() or reasons.first()
    for position, (name, condition, destination, pool, promise) in enumerate(RULES, 1):
        Rule.objects.create(
            rule_set=rule_set,
            position=position,
            name=name,
            condition=condition,
            destination=destination,
            pool=pools.get(pool),
            reason=reason if destination == "disqualify" else None,
            sla_policy=promises.get(promise),
        )
    return rule_set
