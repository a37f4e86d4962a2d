"""Whose deal it is."""

from crmsync.models import Opportunity
from leads.models import Contact


def people_of(opportunity: Opportunity) -> list[Contact]:
    """The person whom it came from first, then those who joined it."""
    joined = Contact.objects.filter(leads__joined__opportunity=opportunity, leads__joined__left_at=None)
    return [opportunity.lead.contact, *joined.order_by("leads__joined__joined_at").distinct()]
