"""When a rep works, is away, takes leads and how many. Each change lets the waiting room look again."""

from collections.abc import Iterable
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.conditions import parse
from leads.models import Team
from routing.hours import knows_region
from routing.models import Absence, Pool, PoolMember, Rep, RepCap, Shift
from routing.services.absences import end_early
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


def set_caps(
    rep_id: int,
    *,
    max_open_leads: int | None,
    max_per_day: int | None,
    max_per_hour: int | None = None,
    max_per_week: int | None = None,
    at: datetime,
) -> None:
    """How much the rep can take; None is no cap."""
    with transaction.atomic():
        Rep.objects.filter(pk=rep_id).update(
            max_open_leads=max_open_leads,
            max_per_day=max_per_day,
            max_per_hour=max_per_hour,
            max_per_week=max_per_week,
        )
        wake_waiting(at)


def set_skills(rep_id: int, *, languages: list[str], countries: list[str], tags: list[str], at: datetime) -> None:
    """What rules may want of the rep."""
    with transaction.atomic():
        Rep.objects.filter(pk=rep_id).update(languages=languages, countries=countries, tags=tags)
        wake_waiting(at)


def set_holidays(rep_id: int, region: str, at: datetime) -> None:
    """Whose public holidays the rep keeps; empty for none. Raises InvalidInput for a region that nobody knows."""
    if region and not knows_region(region):
        sentence = _("No holidays are known for “%(region)s”; write a country or region such as DE-BW.")
        raise InvalidInput(sentence % {"region": region}, fields={"holiday_region": sentence % {"region": region}})
    with transaction.atomic():
        Rep.objects.filter(pk=rep_id).update(holiday_region=region)
        wake_waiting(at)


def add_kind_cap(rep_id: int, *, name: str, condition: dict[str, Any], per: str, most: int, at: datetime) -> RepCap:
    """At most so many leads of a kind. Raises InvalidInput for a condition that cannot be read."""
    parse(condition)
    with transaction.atomic():
        cap = RepCap.objects.create(rep_id=rep_id, name=name.strip()[:80], condition=condition, per=per, most=most)
        wake_waiting(at)
        return cap


def remove_kind_cap(cap_id: int, rep_id: int, at: datetime) -> None:
    """The cap is gone."""
    with transaction.atomic():
        RepCap.objects.filter(pk=cap_id, rep=rep_id).delete()
        wake_waiting(at)


def add_absence(
    rep_id: int,
    starts_at: datetime,
    ends_at: datetime,
    *,
    reason: str = "",
    cover_id: int | None = None,
    hands_over: bool = False,
) -> Absence:
    """Note that a rep is away, and who stands in; with ``hands_over`` open leads go there for that time."""
    if ends_at <= starts_at:
        raise InvalidInput(_("It ends after it begins."), fields={"ends_at": _("It ends after it begins.")})
    if hands_over and cover_id is None:
        raise InvalidInput(_("Say who stands in."), fields={"cover": _("Say who stands in.")})
    if cover_id == rep_id:
        raise InvalidInput(_("Somebody else has to stand in."), fields={"cover": _("Somebody else has to stand in.")})
    return Absence.objects.create(
        rep_id=rep_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip(),
        cover_id=cover_id,
        hands_over=hands_over,
    )


def remove_absence(absence_id: int, rep_id: int, at: datetime) -> None:
    """The rep is there after all: what was handed over comes back with the clock's next look."""
    with transaction.atomic():
        end_early(absence_id, rep_id, at)
        wake_waiting(at)


def add_pool(name: str, team: Team | None, rep_ids: Iterable[int], at: datetime) -> Pool:
    """A pool whose reps share its leads alike. Raises InvalidInput naming the field."""
    slug = slugify(name)[:60]
    wrong = {} if slug else {"name": _("Give the pool a name.")}
    if slug and Pool.objects.filter(Q(slug=slug) | Q(name__iexact=name.strip())).exists():
        wrong["name"] = _("There is a pool of this name already.")
    if wrong:
        raise InvalidInput(_("The pool is not complete."), fields=wrong)
    with transaction.atomic():
        pool = Pool.objects.create(slug=slug, name=name.strip()[:120], team=team)
        for rep_id in rep_ids:
            set_member(pool, rep_id, "1", at)
        return pool


def set_member(pool: Pool, rep_id: int, weight: str, at: datetime, *, ramp_days: int | None = None) -> PoolMember:
    """A rep's share in a pool, from now on; the balance stays, and a newcomer begins level with everybody.

    With ``ramp_days`` the share grows from a quarter to the whole within so many days of joining.
    """
    try:
        share = Decimal(weight.strip().replace(",", "."))
    except InvalidOperation:
        share = Decimal("NaN")
    if share.is_nan() or not 0 <= share < 100:
        sentence = _("A share is a number from 0 to 99, such as 1 or 0.5.")
        raise InvalidInput(sentence, fields={"weight": sentence})
    with transaction.atomic():
        known = PoolMember.objects.select_for_update().filter(pool=pool, rep_id=rep_id).first()
        has_joined = known is None or known.left_at is not None
        values: dict[str, Any] = {"weight": round(share, 2), "left_at": None, "ramp_days": ramp_days}
        if has_joined:
            values["joined_at"] = at
        member, _is_new = PoolMember.objects.update_or_create(pool=pool, rep_id=rep_id, defaults=values)
        wake_waiting(at, pool_id=pool.pk)
        return member


def remove_member(pool: Pool, rep_id: int, at: datetime) -> None:
    """The rep leaves the pool; what the pool owed stays in the ledger."""
    PoolMember.objects.filter(pool=pool, rep_id=rep_id, left_at__isnull=True).update(left_at=at)


def set_strategy(pool: Pool, strategy: str, at: datetime) -> None:
    """How a pool shares out from now on; balances stay. Raises InvalidInput."""
    if strategy not in Pool.Strategy.values:
        raise InvalidInput(_("Choose how it is shared out."), fields={"strategy": _("Choose how it is shared out.")})
    with transaction.atomic():
        Pool.objects.filter(pk=pool.pk).update(strategy=strategy)
        wake_waiting(at, pool_id=pool.pk)
