"""Working time without a database: who is present when, and when so many working minutes are over.

Shifts are wall-clock times in a person's zone, so a day has as many working hours as its clock shows: on the days when
clocks change, a shift over the change is an hour shorter or longer. A wall-clock time that the change skips stands for
the instant of the change.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Window = tuple[datetime, datetime]

# A shift that ends in the last minute of the day runs to midnight: 24:00 cannot be written as a time.
LAST_MINUTE = time(23, 59)
HORIZON = timedelta(days=400)
# Most answers lie within days, and people who cover the clock have no end of work that looking would find.
STEPS = (timedelta(days=4), timedelta(days=40), HORIZON)
# How far the most eastern zone is ahead of UTC.
EARLIEST = timedelta(hours=14)


@dataclass(frozen=True)
class Shift:
    """Working hours on one weekday (0 is Monday)."""

    weekday: int
    starts_at: time
    ends_at: time


@dataclass(frozen=True)
class Calendar:
    """One person's week in their zone, when they are away (absences with time zone), and public holidays there."""

    zone: str
    shifts: tuple[Shift, ...] = ()
    absences: tuple[Window, ...] = ()
    holidays: frozenset[date] = frozenset()


def is_present(calendar: Calendar, at: datetime) -> bool:
    """Whether the person works at this instant."""
    return present_until(calendar, at) is not None


def present_until(calendar: Calendar, at: datetime) -> datetime | None:
    """The end of the stretch of work that holds ``at``; None if the person does not work then."""
    at = at.astimezone(UTC)
    for start, end in windows([calendar], at, at + timedelta(days=1)):
        return end if start <= at else None
    return None


def is_on_leave(calendar: Calendar, at: datetime) -> datetime | None:
    """The end of the absence that holds ``at``, None if there is none."""
    ends = [end for start, end in calendar.absences if start <= at < end]
    day = at.astimezone(ZoneInfo(calendar.zone)).date()
    if day in calendar.holidays:
        ends.append(_instant(calendar.zone, day + timedelta(days=1), time()))
    return max(ends, default=None)


def next_start(calendars: Sequence[Calendar], at: datetime) -> datetime | None:
    """The first instant from ``at`` on at which one of them works; None if none does within 400 days."""
    at = at.astimezone(UTC)
    for ahead in STEPS:
        for start, _ in windows(calendars, at, at + ahead):
            return max(start, at)
    return None


def add_working(calendars: Sequence[Calendar], start: datetime, seconds: float) -> datetime | None:
    """When so many seconds of work have passed since ``start``, counting while at least one of them works."""
    start = start.astimezone(UTC)
    for ahead in STEPS:
        left = timedelta(seconds=seconds)
        for begin, end in windows(calendars, start, start + ahead):
            if end - begin >= left:
                return begin + left
            left -= end - begin
    return None


def working_between(calendars: Sequence[Calendar], start: datetime, end: datetime) -> float:
    """Seconds of work between two instants, counted while at least one of them works."""
    stretches = windows(calendars, start.astimezone(UTC), end.astimezone(UTC))
    return sum((stop - begin).total_seconds() for begin, stop in stretches)


def windows(calendars: Sequence[Calendar], start: datetime, end: datetime) -> Iterator[Window]:
    """The stretches in UTC within [start, end) in which at least one of them works, in order, none touching."""
    current: Window | None = None
    for begin, stop in _in_order(calendars, start, end):
        begin, stop = max(begin, start), min(stop, end)
        if stop <= begin:
            continue
        if current is None:
            current = (begin, stop)
        elif begin <= current[1]:
            current = (current[0], max(current[1], stop))
        else:
            yield current
            current = (begin, stop)
    if current:
        yield current


def _in_order(calendars: Sequence[Calendar], start: datetime, end: datetime) -> Iterator[Window]:
    """The work of all of them by its beginning, whatever their zones."""
    waiting: list[Window] = []
    day = start.date() - timedelta(days=1)
    while day <= end.date() + timedelta(days=1):
        waiting = sorted([*waiting, *(window for calendar in calendars for window in _day(calendar, day))])
        day += timedelta(days=1)
        # The next local day begins nowhere on earth before this.
        settled = datetime.combine(day, time(), UTC) - EARLIEST
        while waiting and waiting[0][0] < settled:
            yield waiting.pop(0)
    yield from waiting


def _day(calendar: Calendar, day: date) -> list[Window]:
    """The work of one local day, without absences."""
    if day in calendar.holidays:
        return []
    weekday = day.weekday()
    work = [_shift(calendar.zone, day, one.starts_at, one.ends_at) for one in calendar.shifts if one.weekday == weekday]
    for away in calendar.absences:
        work = [rest for window in work for rest in _without(window, away)]
    return work


@lru_cache(maxsize=8192)
def _shift(zone: str, day: date, starts_at: time, ends_at: time) -> Window:
    return _instant(zone, day, starts_at), _end(zone, day, ends_at)


def _end(zone: str, day: date, wall: time) -> datetime:
    if wall >= LAST_MINUTE:
        return _instant(zone, day + timedelta(days=1), time())
    return _instant(zone, day, wall)


def _instant(zone: str, day: date, wall: time) -> datetime:
    """The instant at which a clock there shows this; a skipped time is the instant of the change."""
    place = ZoneInfo(zone)
    local = datetime.combine(day, wall, place)
    instant = local.astimezone(UTC)
    if instant.astimezone(place).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # Read with the offset of before, a skipped time comes out late by what lies between it and the change.
    return _change(place, local.replace(fold=1).astimezone(UTC), instant)


def _change(place: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The instant between the two at which the zone's offset changes, to the second."""
    offset = before.astimezone(place).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(place).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _without(window: Window, away: Window) -> Iterable[Window]:
    begin, stop = window
    if away[1] <= begin or stop <= away[0]:
        yield window
        return
    if begin < away[0]:
        yield begin, away[0]
    if away[1] < stop:
        yield away[1], stop
