"""Leads that are still open: neither wins nor losses, and not to be left out either.

Only what ended is known, and losses end sooner than wins: counting ended leads alone would make young months look
bad. The question asked is therefore "won within so many days", and a lead whose answer is known counts for those like
it whose answer is not yet: inverse probability of censoring weights, with the Kaplan-Meier estimate of how long leads
are watched (D. M. Vock et al., "Adapting machine learning techniques to censored time-to-event health record data",
Journal of Biomedical Informatics 61, 2016).
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST, LONGEST = 14, 365
WINS_WITHIN = 0.9
# A single lead never speaks for more than so many.
HEAVIEST = 10.0


@dataclass(frozen=True)
class Watched:
    """How long a lead was watched from the prediction on, in days, and what ended it: won, lost, or nothing yet."""

    days: float
    ending: str

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.ending == ""


@dataclass(frozen=True)
class Judged:
    """Whether it was won within the horizon, and for how many leads it speaks (0: not known yet)."""

    is_won: bool
    weight: float


def horizon_of(watched: Sequence[Watched]) -> int:
    """Within how many days nine in ten wins come, from two weeks to a year."""
    wins = sorted(one.days for one in watched if one.ending == "won")
    if not wins:
        return LONGEST
    return min(LONGEST, max(SHORTEST, math.ceil(wins[min(len(wins) - 1, int(WINS_WITHIN * len(wins)))])))


def judge(watched: Sequence[Watched], horizon: int) -> list[Judged]:
    """Each lead's answer to "won within the horizon?", with its weight."""
    still = Still(watched)
    found = []
    for one in watched:
        if one.is_open and one.days < horizon:
            found.append(Judged(False, 0.0))
            continue
        is_won = one.ending == "won" and one.days <= horizon
        seen = still.before(min(one.days, horizon))
        found.append(Judged(is_won, min(HEAVIEST, 1 / seen) if seen > 0 else HEAVIEST))
    return found


class Still:
    """Kaplan-Meier: the share of leads that are still watched, open or not, so many days after the prediction."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        ends = sorted((one.days, one.is_open) for one in watched)
        left, share = len(ends), 1.0
        self._days: list[float] = []
        self._share: list[float] = []
        for days, is_open in ends:
            if is_open:
                share *= 1 - 1 / left
                self._days.append(days)
                self._share.append(share)
            left -= 1

    def before(self, days: float) -> float:
        """The share just before so many days."""
        place = bisect.bisect_left(self._days, days)
        return self._share[place - 1] if place else 1.0
