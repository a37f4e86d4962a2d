"""A team's queue that people take from themselves: the next one is served, and who picks another is counted."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leads.facts import lead_facts
from leads.models import Lead, User
from routing.decide import stopped_by
from routing.models import Pool, PoolMember, SlaClock, WaitingLead
from routing.services.assign import NotAssignable, take
from routing.snapshot import pool_standings
from routing.words import stopped_words

# Who presses the button is there, whatever the calendar says.
PRESENT = ("accepting", "leave", "shift", "share")
LOOKED_AT = 20


def queue_of(pool_id: int) -> QuerySet[WaitingLead]:
    """What waits to be taken: the promise that ends first, then who came first."""
    due = SlaClock.objects.filter(lead=OuterRef("lead"), stopped_at__isnull=True).values("due_at")[:1]
    waiting = WaitingLead.objects.filter(pool=pool_id, left_at__isnull=True, pool__strategy=Pool.Strategy.CLAIM)
    return waiting.annotate(due_at=Subquery(due)).order_by(F("due_at").asc(nulls_last=True), "since", "pk")


def pools_to_claim(user: User) -> QuerySet[Pool]:
    """The queues that this person may take from."""
    member = PoolMember.objects.filter(rep__user=user, left_at__isnull=True)
    waiting = Count("waits", filter=Q(waits__left_at__isnull=True), distinct=True)
    pools = Pool.objects.filter(strategy=Pool.Strategy.CLAIM, is_active=True, members__in=member)
    return pools.annotate(waiting=waiting).order_by("name")


def take_next(pool_id: int, *, by: User, at: datetime | None = None) -> Lead:
    """Take the next lead of a queue. Several people at once get different ones. Raises NotAssignable."""
    at = at or now()
    if not pools_to_claim(by).filter(pk=pool_id).exists():
        raise NotAssignable(_("This queue is not yours to take from."))
    refused = set(by.assignments.filter(end_reason="handed_back").values_list("lead", flat=True))
    for lead_id in queue_of(pool_id).values_list("lead", flat=True)[:LOOKED_AT]:
        if lead_id in refused:
            continue
        with transaction.atomic():
            # A colleague who takes the same one at this moment has it; the next is ours.
            free = Lead.objects.select_for_update(of=("self",), skip_locked=True)
            lead = free.filter(pk=lead_id, owner__isnull=True).first()
            if lead is None or not WaitingLead.objects.filter(lead=lead, left_at__isnull=True).exists():
                continue
            _expect_room(lead, pool_id, by, at)
            return take(lead, by, at=at)
    raise NotAssignable(_("The queue is empty."))


def _expect_room(lead: Lead, pool_id: int, by: User, at: datetime) -> None:
    """Raise NotAssignable for who is full, or is not what these leads need."""
    standings = pool_standings([pool_id], at, lead_facts(lead, at))
    mine = next((one.candidate for one in standings if one.user.pk == by.pk), None)
    gate = stopped_by(mine) if mine else "account"
    if mine and gate in PRESENT:
        return
    if gate:
        raise NotAssignable(_("You cannot take a lead now: %(why)s.") % {"why": stopped_words(gate)})
