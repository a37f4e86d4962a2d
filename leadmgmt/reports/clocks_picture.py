"""The three clocks as a picture: which share has got there, by the time that has passed, and the goal."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.formats import percent, span
from leadmgmt.reports.clocks import CONTACTED_GOAL, KNOWN, OWNER, TICKS, TOUCHED, Clock
from leadmgmt.reports.filters import Filters

LEFT, TOP, WIDE, HIGH, RIGHT = 44, 12, 560, 180, 8

LABELS: dict[str, str | Promise] = {
    OWNER: gettext_lazy("Captured to owner"),
    KNOWN: gettext_lazy("Owner to acknowledged"),
    TOUCHED: gettext_lazy("Captured to first human touch"),
}


@dataclass(frozen=True)
class Line:
    """One clock: its points, and each share with its time."""

    clock: Clock
    label: str
    points: str
    dots: list[tuple[float, float, str]]
    urls: dict[str, str]


@dataclass(frozen=True)
class Picture:
    """Everything that the SVG writes out."""

    width: int
    height: int
    left: int
    right: int
    goal: float
    goal_text: str
    rows: list[tuple[float, str]]
    ticks: list[tuple[float, str]]
    lines: list[Line]


def picture(filters: Filters, found: Sequence[Clock]) -> Picture:
    """The picture of these clocks."""
    return Picture(
        width=LEFT + WIDE + RIGHT,
        height=TOP + HIGH + 24,
        left=LEFT,
        right=LEFT + WIDE,
        goal=_y(CONTACTED_GOAL),
        goal_text=_("goal %(share)s") % {"share": percent(CONTACTED_GOAL)},
        rows=[(_y(share), percent(share)) for share in (0, 0.25, 0.5, 0.75, 1)],
        ticks=[(_x(tick), span(tick)) for tick in TICKS],
        lines=[_line(filters, one) for one in found],
    )


def _line(filters: Filters, one: Clock) -> Line:
    places = [(_x(tick), _y(share)) for tick, share in zip(TICKS, one.shares, strict=True)]
    dots = [
        (x, y, _("%(share)s within %(time)s") % {"share": percent(share), "time": span(tick)})
        for (x, y), tick, share in zip(places, TICKS, one.shares, strict=True)
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    urls = {state: filters.leads_url(clock=f"{one.clock}-{state}") for state in ("done", "running", "never")}
    return Line(one, str(LABELS[one.clock]), points, dots, urls)


def _x(seconds: int) -> float:
    first, last = log(TICKS[0]), log(TICKS[-1])
    return LEFT + 12 + (WIDE - 24) * (log(seconds) - first) / (last - first)


def _y(share: float) -> float:
    return TOP + HIGH * (1 - share)
