"""The language of reading leads."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from leadmgmt.core.permissions import sees_all_leads, sees_team_leads

if TYPE_CHECKING:
    from leads.models import Lead, User  # noqa: F401  # Lead is named in the string below, which ruff does not read

OPEN = ("new", "mql", "sql", "opportunity")
WORKING = ("new", "mql", "sql")


class LeadQuerySet(models.QuerySet["Lead"]):
    """Chainable words about leads; time and person come in as arguments."""

    def open(self) -> Self:
        """Interest that is alive: new, MQL, SQL or opportunity."""
        return self.filter(stage__in=OPEN)

    def working(self) -> Self:
        """What a rep still has to qualify: new, MQL or SQL."""
        return self.filter(stage__in=WORKING)

    def owned_by(self, user: "User") -> Self:
        """Leads of one rep."""
        return self.filter(owner=user)

    def waking(self, at: datetime) -> Self:
        """Recycled leads whose wake-up time has come."""
        return self.filter(stage="recycled", wake_at__lte=at)

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """What this person may see: managers, marketing and admins everything, SDRs and team leads their own
        and their team's leads, AEs what was handed to them."""
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if sees_all_leads(user):
            return self
        mine = Q(owner=user) | Q(ae=user)
        return self.filter(mine | Q(team=user.team_id) if user.team_id and sees_team_leads(user) else mine)

    def seen_between(self, start: datetime | None, end: datetime | None) -> Self:
        """First seen from ``start`` (included) to ``end`` (excluded); None: without that limit."""
        found = self.filter(first_seen_at__gte=start) if start else self
        return found.filter(first_seen_at__lt=end) if end else found

    def lock(self) -> Self:
        """Row locks in a fixed order; evaluate inside a transaction."""
        return self.select_for_update(of=("self",)).order_by("pk")

    def search(self, words: str) -> Self:
        """Name, company, address or number; each word must be found somewhere."""
        found = self
        for word in words.split():
            found = found.filter(
                Q(contact__first_name__icontains=word)
                | Q(contact__last_name__icontains=word)
                | Q(contact__email__icontains=word)
                | Q(contact__company__name__icontains=word)
                | Q(contact__phone__contains=word)
                | Q(contact__identities__external_id=word)
            )
        return found.distinct() if words.split() else found

    def with_people(self) -> Self:
        """With what every list shows, in one query."""
        return self.select_related("contact", "contact__company", "source", "campaign", "owner", "channel", "reason")
