"""When a step of a cadence is due: working days and hours where the lead is. Pure."""

from collections.abc import Container
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_working(day: date, holidays: Container[date]) -> bool:
    """Monday to Friday, and no public holiday."""
    return day.weekday() < 5 and day not in holidays


def due_after(
    after: datetime, days: int, zone: ZoneInfo, window: tuple[time, time], holidays: Container[date]
) -> datetime:
    """``days`` working days after a moment, at the same local time, moved into the window; 0 days: as soon as the
    window is open."""
    local = after.astimezone(zone)
    day = local.date()
    for _step in range(days):
        day += timedelta(days=1)
        while not is_working(day, holidays):
            day += timedelta(days=1)
    return in_window(datetime.combine(day, local.timetz().replace(tzinfo=None), zone), zone, window, holidays)


def in_window(at: datetime, zone: ZoneInfo, window: tuple[time, time], holidays: Container[date]) -> datetime:
    """The first moment from ``at`` on that lies in the window of a working day."""
    begin, end = window
    local = at.astimezone(zone)
    day, clock = local.date(), local.time()
    if is_working(day, holidays) and clock < begin:
        clock = begin
    elif not is_working(day, holidays) or clock >= end:
        day += timedelta(days=1)
        while not is_working(day, holidays):
            day += timedelta(days=1)
        clock = begin
    # Through UTC, so that a local time that a change of clocks leaves out becomes one that is there.
    return datetime.combine(day, clock, zone).astimezone(ZoneInfo("UTC"))
