"""When a rep works, is away, takes leads and how many. Each change lets the waiting room look again."""

from collections.abc import Iterable
from datetime import datetime, time
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from routing.models import Absence, Pool, PoolMember, Rep, Shift
from routing.services.keep import wake_waiting


def set_accepting(rep_id: int, is_accepting: bool, at: datetime) -> Rep:
    """The rep's own switch."""
    with transaction.atomic():
        rep = Rep.objects.select_for_update().get(pk=rep_id)
        rep.is_accepting = is_accepting
        rep.save(update_fields=["is_accepting"])
        if is_accepting:
            wake_waiting(at)
        return rep


def set_hours(rep_id: int, hours: Iterable[tuple[int, time, time]], at: datetime) -> None:
    """The week's shifts: weekday (0 is Monday), from, to."""
    with transaction.atomic():
        rep = Rep.objects.select_for_update().get(pk=rep_id)
        rep.shifts.all().delete()
        Shift.objects.bulk_create(
            Shift(rep=rep, weekday=weekday, starts_at=start, ends_at=end) for weekday, start, end in hours
        )
        wake_waiting(at)


def set_caps(rep_id: int, *, max_open_leads: int | None, max_per_day: int | None, at: datetime) -> None:
    """How much the rep can take; None is no cap."""
    with transaction.atomic():
        Rep.objects.filter(pk=rep_id).update(max_open_leads=max_open_leads, max_per_day=max_per_day)
        wake_waiting(at)


def add_absence(rep_id: int, starts_at: datetime, ends_at: datetime, *, reason: str = "") -> Absence:
    """Note that a rep is away."""
    if ends_at <= starts_at:
        raise InvalidInput(_("It ends after it begins."), fields={"ends_at": _("It ends after it begins.")})
    return Absence.objects.create(rep_id=rep_id, starts_at=starts_at, ends_at=ends_at, reason=reason.strip())


def remove_absence(absence_id: int, rep_id: int, at: datetime) -> None:
    """The rep is there after all."""
    with transaction.atomic():
        Absence.objects.filter(pk=absence_id, rep=rep_id).delete()
        wake_waiting(at)


def set_member(pool: Pool, rep_id: int, weight: str, at: datetime) -> PoolMember:
    """A rep's share in a pool, from now on; the balance stays, and a newcomer begins level with everybody."""
    try:
        share = Decimal(weight.strip().replace(",", "."))
    except InvalidOperation:
        share = Decimal("NaN")
    if share.is_nan() or not 0 <= share < 100:
        sentence = _("A share is a number from 0 to 99, such as 1 or 0.5.")
        raise InvalidInput(sentence, fields={"weight": sentence})
    with transaction.atomic():
        member, _is_new = PoolMember.objects.update_or_create(
            pool=pool, rep_id=rep_id, defaults={"weight": round(share, 2), "left_at": None}
        )
        wake_waiting(at, pool_id=pool.pk)
        return member


def remove_member(pool: Pool, rep_id: int, at: datetime) -> None:
    """The rep leaves the pool; what the pool owed stays in the ledger."""
    PoolMember.objects.filter(pool=pool, rep_id=rep_id, left_at__isnull=True).update(left_at=at)
