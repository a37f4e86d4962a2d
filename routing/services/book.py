"""The ledger: every movement of a balance, so that what a pool owes each rep can be added up again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db.models import F
from django.utils.translation import gettext_noop

from leads.models import Lead, User
from leads.services.storing import insert_many, update_many
from routing.decide import Distribution
from routing.fairness import ONE, Share, entitle
from routing.models import Certificate, LedgerEntry, Pool, PoolMember

Kind = LedgerEntry.Kind
BY_HAND = gettext_noop("Given by hand")


def book_distribution(
    pool: Pool, members: Iterable[PoolMember], distribution: Distribution, lead: Lead, certificate: Certificate
) -> None:
    """Credit the entitlements, debit who receives the lead. Needs the members' locks."""
    choice = distribution.choice
    if choice is None:
        return
    at = certificate.decided_at
    entries = [
        LedgerEntry(pool=pool, rep_id=rep, lead=lead, certificate=certificate, kind=kind, amount=amount, at=at)
        for rep, kind, amount in _movements(choice.rep_id, choice.credits)
    ]
    insert_many(entries)
    moved = []
    for member in members:
        if member.rep_id in distribution.after:
            member.balance = distribution.after[member.rep_id]
            if member.rep_id == choice.rep_id:
                member.last_assigned_at = at
            moved.append(member)
    update_many(moved, ["balance", "last_assigned_at"])


def _movements(chosen: int, credits: Mapping[int, Decimal]) -> list[tuple[int, str, Decimal]]:
    given = [(rep, Kind.ENTITLEMENT.value, amount) for rep, amount in sorted(credits.items()) if amount]
    return [*given, (chosen, Kind.ASSIGNMENT.value, -ONE)]


def book_by_hand(certificate: Certificate, lead: Lead, *, giver: User | None, taker: User, at: datetime) -> None:
    """A person gave a lead that a pool's turn had decided about; the ledger stands as if the rules had done it.

    Between two members the lead is given back to one and debited to the other. A lead that nobody of the pool had is
    shared by all members and debited to the taker. One that leaves the pool is booked back.
    """
    pool_id = certificate.pool_id
    if pool_id is None:
        return
    members = PoolMember.objects.filter(pool=pool_id, left_at__isnull=True).select_related("rep")
    locked = {one.rep.user_id: one for one in members.select_for_update(of=("self",), no_key=True).order_by("rep_id")}
    giving = locked.get(giver.pk) if giver else None
    taking = locked.get(taker.pk)
    if taking is None:
        if giving is not None and certificate.rep_id == giving.rep_id:
            take_back(certificate, BY_HAND, at)
        return
    if giving is not None:
        moves = [(giving.rep_id, Kind.CREDIT, ONE), (taking.rep_id, Kind.ASSIGNMENT, -ONE)]
    else:
        shares = [Share(one.rep_id, one.weight or ONE, one.balance) for one in locked.values()]
        credits = entitle(shares, taking.rep_id)
        moves = [(rep, Kind.ENTITLEMENT, amount) for rep, amount in sorted(credits.items())]
        moves.append((taking.rep_id, Kind.ASSIGNMENT, -ONE))
    LedgerEntry.objects.bulk_create(
        LedgerEntry(pool_id=pool_id, rep_id=rep, lead=lead, kind=kind, amount=amount, at=at, note=BY_HAND)
        for rep, kind, amount in moves
    )
    for rep, _, amount in moves:
        PoolMember.objects.filter(pool=pool_id, rep=rep).update(balance=F("balance") + amount)


def take_back(certificate: Certificate, note: str, at: datetime) -> None:
    """Undo what a certificate booked: every movement gets its opposite."""
    if certificate.pool_id is None:
        return
    booked = list(LedgerEntry.objects.filter(certificate=certificate).order_by("rep_id", "pk"))
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            pool_id=certificate.pool_id,
            rep_id=entry.rep_id,
            lead_id=entry.lead_id,
            certificate=certificate,
            kind=Kind.CREDIT,
            amount=-entry.amount,
            at=at,
            note=note,
        )
        for entry in booked
    )
    for entry in booked:
        PoolMember.objects.filter(pool_id=certificate.pool_id, rep_id=entry.rep_id).update(
            balance=F("balance") - entry.amount
        )
