"""A turn given back: a lead that was none is no lead received. Asked for by the rep, granted by somebody else."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from leadmgmt.core.errors import DomainError, InvalidInput, NotPermitted
from leadmgmt.core.now import now
from leads.models import Lead, User
from leads.services.storing import insert_many
from routing.fairness import ONE, Share, entitle
from routing.models import CreditClaim, LedgerEntry, PoolMember
from routing.services.assign import may_assign

NOTE = gettext_noop("Turn given back: the lead was none")


class NotCreditable(DomainError):
    """This lead gives no turn back."""

    code = "not_creditable"


def ask_credit(lead_id: int, *, by: User, why: str, note: str = "", at: datetime | None = None) -> CreditClaim:
    """Say that a lead which a pool's turn gave was none. Raises NotCreditable, InvalidInput."""
    if why not in CreditClaim.Why.values:
        raise InvalidInput(_("Choose what was wrong with it."), fields={"why": _("Choose what was wrong with it.")})
    if why == CreditClaim.Why.OTHER and not note.strip():
        raise InvalidInput(_("Say what was wrong with it."), fields={"note": _("Say what was wrong with it.")})
    entry = (
        LedgerEntry.objects.filter(lead=lead_id, rep__user=by, kind=LedgerEntry.Kind.ASSIGNMENT)
        .select_related("rep")
        .order_by("-at", "-pk")
        .first()
    )
    if entry is None:
        raise NotCreditable(_("No pool's turn gave you this lead."))
    try:
        with transaction.atomic():
            return CreditClaim.objects.create(
                pool_id=entry.pool_id,
                rep=entry.rep,
                lead_id=lead_id,
                why=why,
                note=note.strip()[:400],
                asked_at=at or now(),
            )
    except IntegrityError:
        raise NotCreditable(_("You have asked about this lead already.")) from None


def decide_credit(claim_id: int, *, by: User, grant: bool, answer: str = "", at: datetime | None = None) -> CreditClaim:
    """Grant or refuse, once, by somebody who leads and is not the one who asked. Raises NotPermitted, NotCreditable."""
    at = at or now()
    with transaction.atomic():
        claim = CreditClaim.objects.select_for_update(of=("self",)).select_related("rep", "lead").get(pk=claim_id)
        if not may_assign(by) or claim.rep.user_id == by.pk:
            raise NotPermitted(_("Somebody else who leads a team decides on this."))
        if claim.state != CreditClaim.State.OPEN:
            raise NotCreditable(_("This has been decided already."))
        claim.state = CreditClaim.State.GRANTED if grant else CreditClaim.State.REFUSED
        claim.reviewed_at, claim.reviewed_by, claim.answer = at, by, answer.strip()[:400]
        claim.save()
        if grant:
            _give_back(claim, claim.lead, at)
        return claim


def _give_back(claim: CreditClaim, lead: Lead, at: datetime) -> None:
    """Credit the rep one; the others of the pool owe it by their weights, so that balances go on summing to zero."""
    members = PoolMember.objects.filter(pool=claim.pool_id, left_at__isnull=True, weight__gt=0)
    locked = list(members.select_for_update(of=("self",), no_key=True).order_by("rep_id"))
    others = [Share(one.rep_id, one.weight, one.balance) for one in locked if one.rep_id != claim.rep_id]
    if not others:
        # Nobody's turn was taken: alone in a pool one receives every lead.
        return
    owed = entitle(others, others[0].rep_id)
    moves = [(claim.rep_id, ONE), *((rep, -amount) for rep, amount in sorted(owed.items()))]
    kind = LedgerEntry.Kind.CREDIT
    insert_many(
        [
            LedgerEntry(pool_id=claim.pool_id, rep_id=rep, lead=lead, kind=kind, amount=amount, at=at, note=NOTE)
            for rep, amount in moves
        ]
    )
    for rep, amount in moves:
        PoolMember.objects.filter(pool=claim.pool_id, rep=rep).update(balance=F("balance") + amount)
