"""Pools as pages show them: who is there now, what each is owed, how it came to that."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from leads.models import Lead, LeadEvent, User
from routing.hours import calendars_of
from routing.models import Assignment, CreditClaim, LedgerEntry, Pool, PoolMember, WaitingLead
from routing.pages.presence import Presence, presence_of
from routing.services.claims import queue_of
from routing.snapshot import effective_weight

DAYS = 30
# The balance that fills half of its little chart.
WIDEST = Decimal("1.5")


@dataclass(frozen=True)
class PoolLine:
    """A pool in the list."""

    pool: Pool
    members: int
    present: int
    waiting: int


@dataclass(frozen=True)
class MemberLine:
    """A member with balance, presence and load."""

    member: PoolMember
    presence: Presence
    open_leads: int
    received: int
    bar: "Bar"
    # The share as it counts now, while it still grows.
    ramp: Decimal | None = None


@dataclass(frozen=True)
class Bar:
    """A balance as a bar beside an axis in the middle of a 108 wide box."""

    x: str
    width: str
    is_up: bool


@dataclass(frozen=True)
class Movement:
    """One lead in the ledger: who it was given to, and what each was credited."""

    lead: Lead | None
    at: datetime
    certificate_id: int | None
    note: str
    entries: list[LedgerEntry]

    @property
    def is_alone(self) -> bool:
        """Whether one rep was credited the whole lead and debited it."""
        return len({entry.rep_id for entry in self.entries}) == 1 and len(self.entries) == 2


def pool_lines(at: datetime) -> list[PoolLine]:
    """Every active pool, in three queries."""
    pools = list(
        Pool.objects.filter(is_active=True)
        .select_related("team")
        .annotate(waiting=Count("waits", filter=Q(waits__left_at__isnull=True)))
        .order_by("name")
    )
    present: dict[int, list[bool]] = {}
    members = list(_members(Q(pool__in=pools)))
    calendars = calendars_of([member.rep for member in members], at)
    for member in members:
        calendar = calendars[member.rep_id]
        present.setdefault(member.pool_id, []).append(presence_of(member.rep, calendar, at).takes_leads)
    return [
        PoolLine(pool, len(present.get(pool.pk, [])), sum(present.get(pool.pk, [])), _int(pool, "waiting"))
        for pool in pools
    ]


def member_lines(pool: Pool, at: datetime) -> list[MemberLine]:
    """The members of one pool, who is owed most first."""
    members = list(_members(Q(pool=pool)).order_by("-balance", "pk"))
    calendars = calendars_of([member.rep for member in members], at)
    users = [member.rep.user_id for member in members]
    held = dict(Lead.objects.working().filter(owner__in=users).values_list("owner").annotate(n=Count("pk")).order_by())
    since = Assignment.objects.filter(user__in=users, starts_at__gte=at - timedelta(days=DAYS))
    received = dict(since.values_list("user").annotate(n=Count("pk")).order_by())
    return [
        MemberLine(
            member,
            presence_of(member.rep, calendars[member.rep_id], at),
            held.get(member.rep.user_id, 0),
            received.get(member.rep.user_id, 0),
            bar_of(member.balance),
            counts if (counts := effective_weight(member, at)) != member.weight else None,
        )
        for member in members
    ]


def movements(pool: Pool, user: User, *, most: int = 40) -> list[Movement]:
    """The last leads in the ledger, newest first; a lead is named to who may see it."""
    entries = LedgerEntry.objects.filter(pool=pool).select_related("rep__user").order_by("-at", "-pk")[: most * 8]
    groups: dict[tuple[Any, ...], list[LedgerEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.lead_id, entry.at, entry.certificate_id, entry.note), []).append(entry)
    shown = list(groups.items())[:most]
    leads = Lead.objects.visible_to(user).with_people().in_bulk([key[0] for key, _entries in shown if key[0]])
    return [
        Movement(leads.get(key[0]), key[1], key[2], key[3], sorted(found, key=lambda one: one.amount))
        for key, found in shown
    ]


def ledger_sum(pool: Pool) -> Decimal:
    """What all entries of the pool come to: always nothing."""
    return LedgerEntry.objects.filter(pool=pool).aggregate(total=Sum("amount"))["total"] or Decimal()


def bar_of(balance: Decimal) -> Bar:
    """The bar of a balance."""
    width = min(abs(balance) / WIDEST, Decimal(1)) * 54
    return Bar(f"{54 if balance >= 0 else 54 - width:.1f}", f"{width:.1f}", balance >= 0)


def waiting_count(user: User) -> int:
    """Leads that wait and that this person may see."""
    return WaitingLead.objects.filter(left_at__isnull=True, lead__in=Lead.objects.visible_to(user)).count()


def _members(which: Q) -> QuerySet[PoolMember]:
    members = PoolMember.objects.filter(which, left_at__isnull=True, rep__user__is_active=True)
    return members.select_related("rep__user", "pool")


def _int(row: Any, name: str) -> int:
    return int(getattr(row, name))


@dataclass(frozen=True)
class QueueLine:
    """A lead that waits to be taken; None where the reader may not see it."""

    wait: WaitingLead
    lead: Lead | None
    due_at: datetime | None


def queue_lines(pool: Pool, user: User) -> list[QueueLine]:
    """What waits in a team's queue, the next one first."""
    waits = list(queue_of(pool.pk)[:20])
    leads = Lead.objects.visible_to(user).with_people().in_bulk([one.lead_id for one in waits])
    return [QueueLine(one, leads.get(one.lead_id), getattr(one, "due_at", None)) for one in waits]


def picked_out_of_turn(pool: Pool, at: datetime) -> list[tuple[str, int, int]]:
    """Who of a pool has picked leads out of turn in the last thirty days: name, how often, of how many taken."""
    since = at - timedelta(days=DAYS)
    claimed = LeadEvent.objects.filter(kind="lead.assigned", data__reason="claim", at__gte=since)
    taken = claimed.filter(actor__rep__memberships__pool=pool)
    picked = Count("pk", filter=Q(data__passed_over__gt=0))
    counted = taken.order_by().values_list("actor").annotate(picked=picked, taken=Count("pk"))
    people = User.objects.in_bulk([pk for pk, _picked, _taken in counted if pk])
    found = [(str(people[pk]), number, of) for pk, number, of in counted if number and pk in people]
    return sorted(found, key=lambda one: -one[1])


def claim_lines(pool: Pool, user: User) -> list[tuple[CreditClaim, Lead | None]]:
    """Turns asked back, the newest first; a lead is named to who may see it."""
    claims = list(CreditClaim.objects.filter(pool=pool).select_related("rep__user", "reviewed_by")[:20])
    leads = Lead.objects.visible_to(user).with_people().in_bulk([claim.lead_id for claim in claims])
    return [(claim, leads.get(claim.lead_id)) for claim in claims]
