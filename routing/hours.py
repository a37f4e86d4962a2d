"""Reading calendars: the hours and absences of reps, kept in memory until somebody changes them."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from holidays import country_holidays, list_supported_countries

from leads.configuration import Kept, looked_at_once
from routing.calendar import Calendar, Shift, Window
from routing.models import Absence, Rep
from routing.models import Shift as ShiftRow

# How far absences count: as far as a calendar is ever asked, ahead and back.
AHEAD, BACK = timedelta(days=400), timedelta(days=60)


def _load_shifts() -> dict[int, tuple[Shift, ...]]:
    found: dict[int, list[Shift]] = {}
    rows = ShiftRow.objects.order_by("rep", "weekday", "starts_at").values_list(
        "rep", "weekday", "starts_at", "ends_at"
    )
    for rep, weekday, starts_at, ends_at in rows:
        found.setdefault(rep, []).append(Shift(weekday, starts_at, ends_at))
    return {rep: tuple(shifts) for rep, shifts in found.items()}


def _load_absences() -> dict[int, list[Window]]:
    found: dict[int, list[Window]] = {}
    for rep, starts_at, ends_at in Absence.objects.order_by("rep", "starts_at").values_list(
        "rep", "starts_at", "ends_at"
    ):
        found.setdefault(rep, []).append((starts_at, ends_at))
    return found


_shifts = Kept(_load_shifts, "routing_shift")
_absences = Kept(_load_absences, "routing_absence")


def calendars_of(reps: Iterable[Rep], at: datetime) -> dict[int, Calendar]:
    """The calendars of reps whose users are loaded, by rep; absences as far as they matter around ``at``."""
    with looked_at_once():
        shifts, absences = _shifts(), _absences()
    return {
        rep.pk: Calendar(
            zone=known_zone(rep.user.time_zone),
            shifts=shifts.get(rep.pk, ()),
            holidays=holidays_around(rep.holiday_region, at),
            absences=tuple(
                (start, end) for start, end in absences.get(rep.pk, []) if end > at - BACK and start < at + AHEAD
            ),
        )
        for rep in reps
    }


def calendars_by_number(rep_ids: Iterable[int], at: datetime) -> dict[int, Calendar]:
    """The same for reps that are not loaded."""
    return calendars_of(Rep.objects.filter(pk__in=list(rep_ids)).select_related("user"), at)


def known_zone(zone: str) -> str:
    """The zone, or the organisation's where nobody knows it."""
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError):
        return settings.TIME_ZONE


def day_start(at: datetime, zone: str) -> datetime:
    """The last midnight there."""
    local = at.astimezone(ZoneInfo(known_zone(zone)))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def week_start(at: datetime, zone: str) -> datetime:
    """The last Monday's midnight there."""
    local = day_start(at, zone)
    monday = local.date() - timedelta(days=local.weekday())
    return datetime.combine(monday, time(), ZoneInfo(known_zone(zone)))


def holidays_around(region: str, at: datetime) -> frozenset[date]:
    """The public holidays of a region from the year before to the year after; none where nobody knows the region."""
    return _holidays(region, at.year) if region else frozenset()


@lru_cache(maxsize=512)
def _holidays(region: str, year: int) -> frozenset[date]:
    country, _sep, part = region.partition("-")
    try:
        found = country_holidays(country, subdiv=part or None, years=range(year - 1, year + 3))
    except NotImplementedError:
        return frozenset()
    return frozenset(found)


def knows_region(region: str) -> bool:
    """Whether there are holidays for a country or a part of one."""
    country, _sep, part = region.partition("-")
    known = list_supported_countries()
    return country in known and (not part or part in known[country])
