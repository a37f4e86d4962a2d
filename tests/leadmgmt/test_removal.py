"""The two models that learn, against brute force on small graphs, and what they promise of their shares."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmgmt.reports.removal import chance, removal_shares, shapley_shares, tables, transitions, whole_cents

JOURNEYS = st.lists(
    st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.booleans()), min_size=1, max_size=12
)


def table(journeys, count):
    return tables(np.ones((1, len(journeys))), transitions(journeys, count), count)[0]


def walk(moves, kept, depth=400):
    """The chance to win by sending one whole along the arrows, step by step, until nothing is left on the way."""
    count = moves.shape[1] - 2
    steps = [[cell / sum(row) if sum(row) else 0.0 for cell in row] for row in moves]
    here, won = [1.0] + [0.0] * count, 0.0
    for _ in range(depth):
        there = [0.0] * (count + 1)
        for place, mass in enumerate(here):
            won += mass * steps[place][count]
            for channel in range(count):
                if kept[channel]:
                    there[channel + 1] += mass * steps[place][channel]
        here = there
    return won


@settings(max_examples=60, deadline=None)
@given(JOURNEYS)
def test_the_chance_is_that_of_a_walk(journeys):
    moves = table(journeys, 4)
    for kept in ((1, 1, 1, 1), (0, 1, 1, 1), (1, 0, 0, 1)):
        assert chance(moves, np.array(kept, dtype=float)) == pytest.approx(walk(moves, kept), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(JOURNEYS)
def test_all_of_it_is_the_share_that_was_won(journeys):
    won = sum(won for _, won in journeys) / len(journeys)
    assert chance(table(journeys, 4), np.ones(4)) == pytest.approx(won)


@settings(max_examples=40, deadline=None)
@given(JOURNEYS)
def test_shapley_values_are_the_mean_over_all_orders(journeys):
    moves = table(journeys, 4)
    added = np.zeros(4)
    for order in permutations(range(4)):
        kept, before = [0, 0, 0, 0], walk(moves, [0, 0, 0, 0])
        for player in order:
            kept[player] = 1
            after = walk(moves, kept)
            added[player] += after - before
            before = after
    expected = added / added.sum() if added.sum() > 1e-9 else np.zeros(4)
    assert shapley_shares(moves) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(JOURNEYS)
def test_removal_effects_are_what_is_missing_without_each(journeys):
    moves = table(journeys, 4)
    everything = walk(moves, [1, 1, 1, 1])
    effects = np.array([everything - walk(moves, [int(other != one) for other in range(4)]) for one in range(4)])
    expected = effects / effects.sum() if effects.sum() > 1e-9 else np.zeros(4)
    assert removal_shares(moves) == pytest.approx(expected, abs=1e-5)


def test_a_channel_without_which_nothing_is_won_gets_all():
    journeys = [([0, 1], True), ([0], False), ([2], False)]
    # Both are needed for the one win; the third never helps.
    assert removal_shares(table(journeys, 3)) == pytest.approx([0.5, 0.5, 0.0])
    assert shapley_shares(table(journeys, 3)) == pytest.approx([0.5, 0.5, 0.0])


def test_nothing_won_is_shared_by_nobody():
    journeys = [([0, 1], False)]
    assert removal_shares(table(journeys, 2)).tolist() == [0.0, 0.0]
    assert shapley_shares(table(journeys, 2)).tolist() == [0.0, 0.0]


def test_stacks_are_worked_out_like_single_tables():
    journeys = [([0, 1], True), ([1, 2], True), ([0], False), ([2, 1, 0], False)]
    weights = np.array([[1.0, 1, 1, 1], [2, 0, 1, 1], [0, 3, 0, 1]])
    stack = tables(weights, transitions(journeys, 3), 3)
    for number, each in enumerate(weights):
        alone = tables(each[None, :], transitions(journeys, 3), 3)[0]
        assert removal_shares(stack)[number] == pytest.approx(removal_shares(alone))
        assert shapley_shares(stack)[number] == pytest.approx(shapley_shares(alone))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(0, 10**12))
def test_whole_cents_sum_to_the_amount(parts, cents):
    shares = np.array(parts)
    shares = shares / shares.sum() if shares.sum() else np.full(len(parts), 1 / len(parts))
    found = whole_cents(shares, cents)
    assert sum(found) == cents
    assert all(abs(one - share * cents) <= 1 for one, share in zip(found, shares, strict=True))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Journeys drawn from a known process: the removal share of its largest channel lies within 95 % of the time."""
    draw = np.random.default_rng(7)
    kinds = [([0], 0.5), ([0, 1], 0.6), ([1], 0.2), ([1, 2], 0.3), ([2], 0.1)]
    often = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    many = [(path, won) for (path, _), won in product(kinds, (True, False))]
    rates = [rate if won else 1 - rate for (_, rate), won in product(kinds, (True, False))]
    exact = np.repeat(often, 2) * np.array(rates)
    moves = transitions(many, 3)
    truth = removal_shares(tables(exact[None, :], moves, 3))[0, 0]
    rounds, held = 200, 0
    for _ in range(rounds):
        seen = draw.multinomial(150, exact)
        again = draw.multinomial(150, seen / 150, size=200).astype(float)
        low, high = np.percentile(removal_shares(tables(again, moves, 3))[:, 0], [2.5, 97.5])
        held += low <= truth <= high
    # Two hundred rounds tell 95 % to about three points.
    assert 0.90 <= held / rounds <= 0.99
