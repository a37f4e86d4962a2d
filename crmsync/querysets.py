"""The language of reading handoffs."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from leadmgmt.core.permissions import sees_all_leads, sees_team_leads

if TYPE_CHECKING:
    from crmsync.models import Handoff
    from leads.models import User


class HandoffQuerySet(models.QuerySet["Handoff"]):
    """Chainable words about handoffs."""

    def visible_to(self, user: "User") -> Self:
        """What this person may see: an AE their own, an SDR what they and their team gave, managers everything."""
        if sees_all_leads(user):
            return self
        mine = Q(ae=user) | Q(sdr=user)
        if user.team_id and sees_team_leads(user):
            mine |= Q(opportunity__lead__team=user.team_id)
        return self.filter(mine)

    def locked(self, pk: int) -> "Handoff":
        """One handoff with its row lock; inside a transaction."""
        return self.select_for_update(of=("self",)).select_related("ae", "sdr", "opportunity").get(pk=pk)

    def undecided(self) -> Self:
        """Offered, soonest deadline first."""
        return self.filter(status="offered").order_by("due_at", "pk")

    def decided(self) -> Self:
        """Accepted, refused or withdrawn, newest first."""
        return self.exclude(status="offered").order_by("-decided_at", "-pk")

    def with_deal(self) -> Self:
        """With what every page shows, in one query."""
        return self.select_related(
            "ae",
            "sdr",
            "reason",
            "opportunity",
            "opportunity__owner",
            "opportunity__loss_reason",
            "opportunity__lead",
            "opportunity__lead__contact",
            "opportunity__lead__contact__company",
            "opportunity__lead__source",
            "opportunity__lead__team",
        )
