"""What is known about a lead, as one flat dictionary: the raw material of rules, scores and criteria."""

from leads.facts.fact import Bundle, Fact, Family
from leads.facts.registry import (
    FACTS,
    FAMILIES,
    NOW,
    OWNER,
    fact_named,
    facts_of,
    hold,
    lead_facts,
    listed_facts,
    newest_touches,
    register_fact,
    register_family,
)

__all__ = [
    "FACTS",
    "FAMILIES",
    "NOW",
    "OWNER",
    "Bundle",
    "Fact",
    "Family",
    "fact_named",
    "facts_of",
    "hold",
    "lead_facts",
    "listed_facts",
    "newest_touches",
    "register_fact",
    "register_family",
]
