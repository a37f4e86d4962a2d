"""Which facts may be learned from at all."""

from leads.facts import NOW

# Facts that restate what we did with the lead, or are its name.
LEFT_OUT = frozenset(
    {
        "lead.stage",
        "lead.first_seen_at",
        "lead.last_activity_at",
        "contact.city",
        "contact.postal_code",
        "company.name",
        "company.domain",
    }
)
# The score is made of the same facts, answers are found out by working the lead, and the time is that of asking.
FAMILIES_LEFT_OUT = ("score.", "answers.", "qualification.", "time.")


def is_looked_at(name: str) -> bool:
    """Whether a model may look at this fact at all."""
    return name not in LEFT_OUT and name != NOW and not name.startswith(FAMILIES_LEFT_OUT)
