"""How likely a lead of a grade is to be won, counted from what became of earlier ones; no guess from too few."""

import time
from dataclasses import dataclass

from django.db import connection

from leadmgmt.core.shares import Z90, wilson

LEAST_OUTCOMES = 50
LEAST_WINS = 5
# Only the newest outcomes count: the business changes, and the count stays fast.
NEWEST = 5000
# The overall rate weighs as much as this many outcomes of the grade itself.
PRIOR = 10.0
KEPT_SECONDS = 10.0

COUNT = """
    SELECT grade, count(*) FILTER (WHERE kind = 'won'), count(*)
    FROM (
        SELECT facts ->> 'score.grade' AS grade, kind FROM qualification_outcome
        WHERE facts ->> 'score.grade' <> '' ORDER BY at DESC LIMIT %s
    ) AS newest
    GROUP BY grade
"""


@dataclass(frozen=True)
class Chance:
    """A probability between 0 and 1 with its 90 % interval, and how many outcomes of the grade it rests on."""

    mean: float
    low: float
    high: float
    outcomes: int


@dataclass
class _Kept:
    counts: dict[str, tuple[int, int]]
    until: float


_kept: dict[str, _Kept] = {}


def chance_of(grade: str) -> Chance | None:
    """The chance of a lead of this grade; None while there are fewer than LEAST_OUTCOMES graded outcomes."""
    return estimate(_counts(), grade)


def estimate(counts: dict[str, tuple[int, int]], grade: str) -> Chance | None:
    """From (wins, outcomes) per grade. The grade's own rate, drawn to the overall rate where it has few outcomes.

    The mean is a beta distribution's with the overall rate as prior, the interval Wilson's for the same counts.
    """
    wins, outcomes = (sum(column) for column in zip(*counts.values(), strict=True)) if counts else (0, 0)
    if outcomes < LEAST_OUTCOMES or wins < LEAST_WINS:
        return None
    own_wins, own = counts.get(grade, (0, 0))
    total = own + PRIOR
    mean = (own_wins + PRIOR * wins / outcomes) / total
    low, high = wilson(mean, total, Z90)
    return Chance(round(mean, 4), round(low, 4), round(high, 4), own)


def _counts() -> dict[str, tuple[int, int]]:
    name = str(connection.settings_dict["NAME"])
    kept = _kept.get(name)
    if kept is None or kept.until < time.monotonic():
        with connection.cursor() as cursor:
            cursor.execute(COUNT, [NEWEST])
            counts = {grade: (wins, outcomes) for grade, wins, outcomes in cursor.fetchall()}
        kept = _kept[name] = _Kept(counts, time.monotonic() + KEPT_SECONDS)
    return kept.counts


def forget_counts() -> None:
    """Count afresh: an outcome was added."""
    _kept.clear()
