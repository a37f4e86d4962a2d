"""Who is told about a lead besides its owner."""

from leadmgmt.core.permissions import TEAM_LEAD
from leads.models import Lead, User


def leads_of(lead: Lead, *, or_any: bool = False) -> list[User]:
    """Who leads the lead's team; ``or_any``: without a team, whoever leads one."""
    people = User.objects.filter(is_active=True, groups__name=TEAM_LEAD)
    if lead.team_id:
        return list(people.filter(team=lead.team_id))
    return list(people) if or_any else []


def concerned(lead: Lead) -> list[User]:
    """The owner, and who leads the team; each once."""
    owner = [lead.owner] if lead.owner else []
    return list({user.pk: user for user in [*owner, *leads_of(lead)]}.values())
