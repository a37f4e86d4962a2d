"""How sure a share is, and whether two shares differ by more than chance."""

from dataclasses import dataclass
from math import exp, sqrt
from statistics import NormalDist

from leadmgmt.core import shares
from leadmgmt.core.shares import Z95


@dataclass(frozen=True)
class Interval:
    """The 95 % interval of an estimate."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One share minus another: ``points`` as a share (0.05 = five points), and whether it may be chance."""

    points: float
    low: float
    high: float
    is_noise: bool


def quantile(comparisons: int = 1) -> float:
    """How many standard errors keep all of several comparisons together at 95 % (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.025 / max(comparisons, 1))


def wilson(hits: int, trials: int, z: float = Z95) -> Interval | None:
    """Wilson's interval of a share; None without trials."""
    if trials <= 0:
        return None
    return Interval(*shares.wilson(hits / trials, trials, z))


def difference(hits: int, trials: int, other_hits: int, other_trials: int, z: float = Z95) -> Difference | None:
    """The first share minus the second, with Newcombe's interval; noise where the interval holds zero.

    None where one side has no trials. The interval needs no large samples, so few cases simply come out as noise.
    """
    ours, theirs = wilson(hits, trials, z), wilson(other_hits, other_trials, z)
    if ours is None or theirs is None:
        return None
    p, q = hits / trials, other_hits / other_trials
    low = p - q - sqrt((p - ours.low) ** 2 + (theirs.high - q) ** 2)
    high = p - q + sqrt((ours.high - p) ** 2 + (q - theirs.low) ** 2)
    return Difference(p - q, low, high, is_noise=low <= 0 <= high)


def sample_needed(share: float, other: float) -> int:
    """How many trials a side would take to tell two shares apart (two-sided 95 %, power 80 %); 0 if they are equal."""
    if share == other:
        return 0
    spread = share * (1 - share) + other * (1 - other)
    return int((Z95 + 0.841621) ** 2 * spread / (share - other) ** 2) + 1


def sum_interval(total: float, squares: float, count: int, usual: float) -> Interval:
    """The interval of a sum of ``count`` chance amounts, as many as chance brings (compound Poisson, on a log scale).

    ``squares`` is the sum of the squared amounts. Without any amount the most that chance hides is 3.69 of the
    ``usual`` one (the exact Poisson limit).
    """
    if count <= 0 or total <= 0:
        return Interval(0.0, 3.69 * usual)
    # The variance of a compound Poisson sum is the expected sum of squares.
    spread = exp(Z95 * sqrt(squares) / total)
    return Interval(total / spread, total * spread)
