"""The doors to a lead for a person: what they may see, and what they may work."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from leadmgmt.core.errors import NotPermitted
from leadmgmt.core.permissions import ADMIN, SDR, TEAM_LEAD, has_role
from leads.access import person as person
from leads.models import Lead, User


def visible_lead(user: User, lead_id: int) -> Lead:
    """The lead with its people; 404 if this person may not see it."""
    return get_object_or_404(Lead.objects.visible_to(user).with_people().select_related("team", "ae"), pk=lead_id)


def works(user: User) -> bool:
    """Whether this person works leads; the others look on."""
    return has_role(user, SDR, TEAM_LEAD, ADMIN)


def workable_lead(user: User, lead_id: int) -> Lead:
    """The same, for somebody who works leads; those who look on are told so."""
    lead = visible_lead(user, lead_id)
    if not works(user):
        raise NotPermitted(_("You may read this lead, not work it."))
    return lead
