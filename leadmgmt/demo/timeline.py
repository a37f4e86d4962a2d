"""The demo's clock: what happens when, one thing after the other, each at its own time through the real services."""

import heapq
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from leadmgmt.core.clock import registered
from leadmgmt.core.now import moment

Act = Callable[[datetime], None]


class Timeline:
    """Acts in the order of their times, until the present."""

    def __init__(self, end: datetime, seed: int) -> None:
        self.end = end
        self.chance = random.Random(seed)
        self._acts: list[tuple[datetime, int, Act]] = []
        self._number = count()
        self._ticks: set[tuple[datetime, str]] = set()

    def plan(self, at: datetime | None, act: Act) -> None:
        """Have ``act`` happen; what lies after the present never does."""
        if at is not None and at <= self.end:
            heapq.heappush(self._acts, (at, next(self._number), act))

    def tick(self, at: datetime | None, work: str) -> None:
        """Have the clock's work of this name done at that time, as the clock process would."""
        if at is None:
            return
        # To the next full minute, so that what is due together is done together.
        full = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if (full, work) not in self._ticks:
            self._ticks.add((full, work))
            self.plan(full, lambda now: run_due(work, now))

    def run(self, tell: Callable[[datetime], None]) -> None:
        """Let everything happen; ``tell`` hears how far it is."""
        while self._acts:
            at, _, act = heapq.heappop(self._acts)
            with moment(at, ticking=True):
                act(at)
            tell(at)


def run_due(name: str, at: datetime) -> None:
    """The clock's work of this name, as often as it finds something to do."""
    for work in registered():
        if work.name == name:
            for _ in range(20):
                if not work.run(at):
                    return
