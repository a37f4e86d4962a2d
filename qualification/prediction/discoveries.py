"""Many questions asked of the same data: what may be believed of the answers."""

import math
from collections.abc import Sequence

FALSE_DISCOVERIES = 0.05


def discoveries(chances: Sequence[float], rate: float = FALSE_DISCOVERIES) -> list[bool]:
    """Benjamini and Hochberg (JRSS B 57, 1995): which p-values stand, so that at most ``rate`` of those is expected to
    be false."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    last = max((rank for rank, place in enumerate(order, 1) if chances[place] <= rate * rank / len(order)), default=0)
    standing = set(order[:last])
    return [place in standing for place in range(len(chances))]


def fisher(wins: int, total: int, other_wins: int, other_total: int) -> float:
    """Fisher's exact test, two-sided: how likely two groups of one rate are to differ by as much as these or more."""
    whole, won = total + other_total, wins + other_wins
    seen = _log_chance(wins, total, won, whole)
    lowest, highest = max(0, won - other_total), min(total, won)
    found = (_log_chance(count, total, won, whole) for count in range(lowest, highest + 1))
    # A little room, so that splits that are exactly as likely count in spite of rounding.
    return min(1.0, sum(math.exp(one) for one in found if one <= seen + 1e-9))


def _log_chance(count: int, total: int, won: int, whole: int) -> float:
    """The hypergeometric distribution, as a logarithm."""
    return _log_choose(won, count) + _log_choose(whole - won, total - count) - _log_choose(whole, total)


def _log_choose(many: int, few: int) -> float:
    return math.lgamma(many + 1) - math.lgamma(few + 1) - math.lgamma(many - few + 1)
