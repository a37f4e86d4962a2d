"""Who may take a lead over."""

from django.db.models import QuerySet

from leadmgmt.core.permissions import ADMIN, SDR, TEAM_LEAD, has_role
from leads.models import User


def takers(reader: User) -> QuerySet[User]:
    """Reps to whom this person may give a lead: everybody's for an admin, the own team's for a team lead."""
    reps = User.objects.filter(is_active=True, groups__name__in=[SDR, TEAM_LEAD]).distinct()
    if not has_role(reader, ADMIN):
        reps = reps.filter(team=reader.team_id)
    return reps.order_by("first_name", "last_name", "email")
