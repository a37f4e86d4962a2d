"""The language of reading leads."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from leadmgmt.core.permissions import sees_all_leads, sees_team_leads
from leads.lookups import Mentions

if TYPE_CHECKING:
    from leads.models import Lead, User  # noqa: F401  # Lead is named in the string below, which ruff does not read

__all__ = ["LeadQuerySet", "Mentions"]

# Part of a phone number, as people type it.
NUMBER = re.compile(r"[+(]?(?:[()/.-]?[0-9]){3,20}\)?", re.ASCII)
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

    def awake(self, at: datetime) -> Self:
        """Without what is put aside until later."""
        return self.exclude(snoozed_until__gt=at)

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
        for word in words.replace("\0", "").split():
            found = found.filter(contact__in=_mentioned(word))
        return found

    def with_people(self) -> Self:
        """With what every list shows, in one query."""
        return self.select_related("contact", "contact__company", "source", "campaign", "owner", "channel", "reason")


def _mentioned(word: str) -> "models.QuerySet[Any, Any]":
    """Numbers of the contacts in whose record the word stands: one query per index, put together."""
    contacts = apps.get_model("leads", "Contact").objects.order_by()
    companies = apps.get_model("leads", "Company").objects.filter(name__mentions=word)
    identities = apps.get_model("leads", "ContactIdentity").objects.filter(external_id=word)
    found = [
        contacts.filter(Q(first_name__mentions=word) | Q(last_name__mentions=word)),
        contacts.filter(email__mentions=word),
        contacts.filter(company__in=companies),
        contacts.filter(pk__in=identities.values("contact")),
    ]
    if NUMBER.fullmatch(word):
        # As stored: no signs between, the leading zero of a national number gone.
        found.append(contacts.filter(phone__contains="".join(filter(str.isdecimal, word)).lstrip("0")))
    first, *others = [part.values("pk") for part in found]
    return first.union(*others)
