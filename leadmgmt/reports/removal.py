"""Two models that learn from all journeys, lost ones too: removal effects of a Markov chain, and Shapley values.

The chain has one state per channel, a beginning, won and lost; it moves as often from one to the next as the journeys
did. Taking a channel away sends every journey that comes to it to lost. What part of the wins is lost with it is its
removal effect (Anderl, Becker, von Wangenheim, Schumann 2016, "Mapping the customer journey").

Shapley values share the chance to win that the chain has with all channels among them: each gets what it adds on
average over all orders in which the channels could have been joined (Shapley 1953). As taking a channel away never
adds a win, no value is negative, and together they are the chance itself.
"""

from collections.abc import Sequence
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]


def transitions(journeys: Sequence[tuple[Sequence[int], bool]], count: int) -> csr_array:
    """Moves of each journey, one row each: the cells of a table with count + 1 rows and count + 2 columns (`tables`).

    Row 0 is the beginning, the others the channels 0 to count - 1; the last two columns are won and lost.
    """
    places, cells = [], []
    for number, (channels, won) in enumerate(journeys):
        here = 0
        for there in (*channels, count if won else count + 1):
            places.append(number)
            cells.append(here * (count + 2) + there)
            here = there + 1
    shape = (len(journeys), (count + 1) * (count + 2))
    return csr_array((np.ones(len(cells)), (places, cells)), shape=shape)


def tables(weights: Floats, moves: csr_array, count: int) -> Floats:
    """The moves of all journeys together, each counted as often as its weight: one table per row of ``weights``."""
    found: Floats = np.asarray(weights @ moves).reshape(*weights.shape[:-1], count + 1, count + 2)
    return found


def chance(moves: Floats, kept: Floats) -> Floats:
    """The chance to get from the beginning to won with only the ``kept`` channels (1 or 0 each).

    Works on stacks: ``moves`` (…, n + 1, n + 2) and ``kept`` (…, n) broadcast against each other.
    """
    count = moves.shape[-1] - 2
    totals = moves.sum(axis=-1, keepdims=True)
    steps = np.divide(moves, totals, out=np.zeros_like(moves), where=totals > 0)
    between = steps[..., 1:, :count] * kept[..., None, :] * kept[..., :, None]
    wins = steps[..., 1:, count] * kept
    system = np.eye(count) - between
    solved = np.linalg.solve(system, wins[..., None])[..., 0]
    found: Floats = (steps[..., 0, :count] * kept * solved).sum(axis=-1) + steps[..., 0, count]
    return found


def removal_shares(moves: Floats) -> Floats:
    """Each channel's part of all removal effects, summing to 1; without any win all zero. Works on stacks of moves."""
    count = moves.shape[-1] - 2
    everything = chance(moves, np.ones(count))
    without = np.ones((count, count)) - np.eye(count)
    effects = everything[..., None] - chance(moves[..., None, :, :], without)
    return _parts(np.clip(effects, 0, None))


def shapley_shares(moves: Floats) -> Floats:
    """Each channel's Shapley value as a part of their sum. Works on stacks of moves; 2^n chances are worked out."""
    count = moves.shape[-1] - 2
    members = ((np.arange(2**count)[:, None] >> np.arange(count)) & 1).astype(float)
    values = chance(moves[..., None, :, :], members)
    sizes = members.sum(axis=1).astype(int)
    weight = np.array([factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)])
    found = np.zeros((*values.shape[:-1], count))
    for player in range(count):
        outside = np.flatnonzero(members[:, player] == 0)
        inside = outside + 2**player
        found[..., player] = ((values[..., inside] - values[..., outside]) * weight[sizes[outside]]).sum(axis=-1)
    return _parts(np.clip(found, 0, None))


def _parts(values: Floats) -> Floats:
    total = values.sum(axis=-1, keepdims=True)
    found: Floats = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return found


def whole_cents(shares: Floats, cents: int) -> list[int]:
    """An amount shared out in whole cents that sum to it: rounded down, the rest to the largest fractions."""
    exact = shares * cents
    base = np.floor(exact).astype(np.int64)
    missing = int(cents - base.sum())
    order = np.lexsort((np.arange(len(base)), -(exact - base)))
    base[order[:missing]] += 1
    return [int(one) for one in base]
