"""The heat map: median minutes from capture to first touch by weekday and hour, written in the cell."""

from dataclasses import dataclass
from math import isinf

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from leadmgmt.reports.speed import LEAST_FOR_MEDIAN, Line, Speed
from leadmgmt.reports.speed_words import waited

LEFT, TOP, WIDE, HIGH, GAP = 40, 20, 31, 22, 2
# Seconds up to which a cell gets its tone; the key under the map says the same.
TONES = (180, 300, 900, 3600)


@dataclass(frozen=True)
class Cell:
    """One hour of one weekday."""

    x: int
    y: int
    middle: float
    base: int
    tone: str
    text: str
    title: str
    url: str


@dataclass(frozen=True)
class Heat:
    """Everything that the SVG writes out."""

    width: int
    height: int
    hours: tuple[tuple[float, int], ...]
    days: tuple[tuple[int, str], ...]
    cells: tuple[Cell, ...]
    cell_width: int
    cell_height: int
    slowest: str


def heat(speed: Speed) -> Heat:
    """The map for these figures."""
    cells = tuple(_cell(speed, day, hour) for day in range(7) for hour in range(24))
    return Heat(
        width=LEFT + 24 * (WIDE + GAP),
        height=TOP + 7 * (HIGH + GAP),
        hours=tuple((LEFT + hour * (WIDE + GAP) + WIDE / 2, hour) for hour in range(24)),
        days=tuple((TOP + day * (HIGH + GAP) + 15, str(WEEKDAYS_ABBR[day])) for day in range(7)),
        cells=cells,
        cell_width=WIDE,
        cell_height=HIGH,
        slowest=slowest(speed),
    )


def slowest(speed: Speed) -> str:
    """The weekday and hour with the longest median, in words."""
    known = {key: line for key, line in speed.hours.items() if line.promised >= LEAST_FOR_MEDIAN and line.p50}
    if not known:
        return ""
    (day, hour), line = max(known.items(), key=lambda item: item[1].p50 or 0)
    where = {"day": WEEKDAYS_ABBR[day], "hour": hour}
    if isinf(line.p50 or 0):
        return _("Slowest on %(day)s from %(hour)d, where most were never touched.") % where
    words = _("Slowest on %(day)s from %(hour)d, %(median)s in the median.")
    return words % {**where, "median": waited(line.p50 or 0)}


def _cell(speed: Speed, day: int, hour: int) -> Cell:
    line = speed.hours.get((day, hour))
    x, y = LEFT + hour * (WIDE + GAP), TOP + day * (HIGH + GAP)
    known = line is not None and line.promised >= LEAST_FOR_MEDIAN
    seconds = line.p50 if line and known else None
    tone = "none" if seconds is None else str(sum(seconds > limit for limit in TONES))
    where = _("%(day)s from %(hour)d") % {"day": WEEKDAYS_ABBR[day], "hour": hour}
    count = line.promised if line else 0
    title = _("%(where)s: median %(median)s of %(count)d") % {"where": where, "median": short(seconds), "count": count}
    url = speed.hour_urls(day, hour)["made"] if count else ""
    return Cell(x, y, x + WIDE / 2, y + 15, tone, short(seconds) if seconds is not None else "", title, url)


def short(seconds: float | None) -> str:
    """Minutes up to an hour and a half, then hours; ∞ where most were never touched."""
    if seconds is None:
        return "–"
    if isinf(seconds):
        return "∞"
    minutes = seconds / 60
    return str(max(1, round(minutes))) if minutes < 100 else _("%(hours)dh") % {"hours": round(minutes / 60)}


def heat_key() -> list[tuple[str, str]]:
    """What the tones mean."""
    words = [_("to 3 min"), _("to 5"), _("to 15"), _("to 60"), _("longer"), _("too few leads")]
    return list(zip(["0", "1", "2", "3", "4", "none"], words, strict=True))


def heat_rows(speed: Speed) -> list[tuple[str, Line, dict[str, str]]]:
    """The hours that had leads, for the table."""
    return [
        (_("%(day)s from %(hour)d") % {"day": WEEKDAYS_ABBR[day], "hour": hour}, line, speed.hour_urls(day, hour))
        for (day, hour), line in sorted(speed.hours.items())
        if line.promised
    ]
