"""How a promise and a course of values are drawn: the decisions behind the marks, without HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext

from leadmgmt.core import formats

SOON_SECONDS = 15 * 60


class ClockLike(Protocol):
    """What a mark needs to know of a promise (routing's SLA clock)."""

    started_at: datetime
    due_at: datetime
    touched_at: datetime | None
    stopped_at: datetime | None


@dataclass(frozen=True)
class ClockMark:
    """A promise as it is shown: state, icon, the word for who cannot see it, the figure."""

    state: str
    icon: str
    word: str
    text: str
    due: datetime
    ticks: bool = True


def clock_mark(clock: ClockLike, *, at: datetime) -> ClockMark | None:
    """A promise as it stands: running, or kept; None where it ended without a touch and nobody waits any more."""
    if clock.stopped_at is None:
        return running_mark(clock.due_at, at=at)
    if clock.touched_at is None:
        return None
    took = formats.duration((clock.touched_at - clock.started_at).total_seconds())
    late = clock.touched_at > clock.due_at
    state, icon, word = ("late", "alert", gettext("Too late")) if late else ("kept", "check", gettext("Kept"))
    return ClockMark(state, icon, word, gettext("in %(span)s") % {"span": took}, clock.due_at, ticks=False)


def running_mark(due: datetime, *, at: datetime) -> ClockMark:
    """Grey while there is time, amber in the last quarter of an hour, red when it is over."""
    left = (due - at).total_seconds()
    if left <= 0:
        text = gettext("%(span)s over") % {"span": formats.span(left)}
        return ClockMark("breached", "alert", gettext("Overdue"), text, due)
    if left < SOON_SECONDS:
        return ClockMark("soon", "bell", gettext("Soon"), formats.duration(int(left)), due)
    text = formats.span(left) if left < formats.HOUR else formats.wall_time(due, at=at)
    return ClockMark("ok", "clock", "", text, due)


def resting_mark(until: datetime, *, at: datetime, paused: bool) -> ClockMark:
    """A moment that is no promise: the end of a snooze (paused), or a planned step, which may be due for a while."""
    if until <= at and not paused:
        return ClockMark("ok", "clock", "", formats.since(until, at=at), until, ticks=False)
    text = formats.wall_time(until, at=at)
    if paused:
        return ClockMark("paused", "pause", gettext("Paused"), text, until, ticks=False)
    return ClockMark("ok", "clock", "", text, until, ticks=False)


def sparkline_points(values: Sequence[float], width: float = 84, height: float = 20) -> list[tuple[float, float]]:
    """Where the values lie in a box: the least at the bottom, the most at the top, a flat course in the middle."""
    low, high = min(values), max(values)
    step = (width - 2) / max(len(values) - 1, 1)
    scale = (height - 4.4) / (high - low) if high > low else 0
    middle = height / 2
    return [
        (1 + number * step, height - 2.4 - (value - low) * scale if scale else middle)
        for number, value in enumerate(values)
    ]
