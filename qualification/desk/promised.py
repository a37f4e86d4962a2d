"""What was promised to a lead and how it goes: the three waits until the first touch, and the attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leadmgmt.core import formats
from routing.models import Assignment, AttemptClock, SlaClock


@dataclass(frozen=True)
class Wait:
    """One of the three waits; ``share`` of the whole; ``runs``: it goes on at this moment."""

    label: str | Promise
    words: str
    share: float
    runs: bool


@dataclass(frozen=True)
class Promised:
    """The three waits, the time that counted where it is settled, and the attempts."""

    waits: list[Wait]
    team: str
    owner: str
    attempts: AttemptClock | None

    @property
    def is_settled(self) -> bool:
        """Whether it is known how much of the time counted."""
        return bool(self.team or self.owner)


def promised(
    clock: SlaClock | None, assignment: Assignment | None, attempts: AttemptClock | None, at: datetime
) -> Promised | None:
    """The promise as the lead's page shows it; None where nothing was promised."""
    if clock is None:
        return None
    team, owner = "", ""
    if clock.unowned_seconds is not None and clock.owned_seconds is not None and clock.policy.in_working_time:
        team, owner = formats.span(clock.unowned_seconds), formats.span(clock.owned_seconds)
    return Promised(_waits(clock, assignment, at), team, owner, attempts)


def _waits(clock: SlaClock, assignment: Assignment | None, at: datetime) -> list[Wait]:
    """Nobody had it; somebody had it and had not acknowledged it; it was acknowledged and untouched."""
    end = clock.touched_at or clock.stopped_at or at
    owned = min(clock.owned_at or end, end)
    seen = min((assignment.accepted_at if assignment else None) or end, end)
    seen = max(seen, owned)
    marks: Sequence[tuple[str | Promise, datetime, datetime]] = (
        (_("nobody had it"), clock.started_at, owned),
        (_("given, not acknowledged"), owned, seen),
        (_("acknowledged, untouched"), seen, end),
    )
    whole = max((end - clock.started_at).total_seconds(), 1)
    runs = clock.stopped_at is None
    current = 0 if clock.owned_at is None else 2 if assignment and assignment.accepted_at else 1
    return [
        Wait(label, formats.span(max(0.0, (stop - start).total_seconds())), (stop - start).total_seconds() / whole, now)
        for (label, start, stop), now in zip(marks, [runs and place == current for place in range(3)], strict=True)
    ]
