"""The rotation: exact, bounded, the same for everybody who looks."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.fairness import By, Share, balances_after, choose, draw, entitle

START = datetime(2026, 1, 1, tzinfo=UTC)


def share(rep: int, weight: str = "1", balance: str = "0", idle: int | None = None) -> Share:
    return Share(rep, Decimal(weight), Decimal(balance), None if idle is None else START + timedelta(minutes=idle))


def play(weights: dict[int, Decimal], turns: list[set[int]]) -> tuple[dict[int, Decimal], dict[int, int]]:
    """Balances and leads received after each turn's lead went to one of those present."""
    balances = dict.fromkeys(weights, Decimal())
    received = dict.fromkeys(weights, 0)
    last: dict[int, datetime] = {}
    for number, present in enumerate(turns):
        shares = [Share(rep, weights[rep], balances[rep], last.get(rep)) for rep in sorted(present)]
        choice = choose(shares, f"lead {number}")
        balances |= balances_after(shares, choice)
        received[choice.rep_id] += 1
        last[choice.rep_id] = START + timedelta(minutes=number)
        assert sum(balances.values()) == 0
        assert sum(choice.credits.values()) == 1
    return balances, received


def test_the_largest_balance_is_next() -> None:
    choice = choose([share(1, balance="-0.5"), share(2, balance="0.5")], "seed")

    assert (choice.rep_id, choice.by, choice.number) == (2, By.BALANCE, None)
    assert choice.credits == {1: Decimal("0.5"), 2: Decimal("0.5")}


def test_among_equals_who_waited_longest_is_next_and_a_newcomer_before_all() -> None:
    assert choose([share(1, idle=5), share(2, idle=3)], "seed").rep_id == 2
    choice = choose([share(1, idle=5), share(2, idle=3), share(3)], "seed")
    assert (choice.rep_id, choice.by) == (3, By.IDLE)


def test_a_draw_decides_between_equals_and_can_be_repeated() -> None:
    shares = [share(rep) for rep in (7, 3, 5)]

    choice = choose(shares, "lead 48213, set 17")
    again = choose(list(reversed(shares)), "lead 48213, set 17")

    assert choice == again
    assert choice.by == By.DRAW
    assert choice.tied == (3, 5, 7)
    assert choice.number == draw("lead 48213, set 17")
    assert choice.rep_id == choice.tied[int(choice.number * 3)]


def test_draws_spread_evenly() -> None:
    counts = {1: 0, 2: 0, 3: 0}
    for number in range(3000):
        counts[choose([share(1), share(2), share(3)], f"lead {number}").rep_id] += 1

    # Three standard deviations of a fair draw: 3 × √(3000 × 1/3 × 2/3) ≈ 77.
    assert all(abs(count - 1000) < 78 for count in counts.values())


def test_who_is_alone_gets_the_lead_and_keeps_the_balance() -> None:
    shares = [share(1, balance="-2.25")]

    choice = choose(shares, "seed")

    assert choice.by == By.ALONE
    assert balances_after(shares, choice) == {1: Decimal("-2.25")}


def test_the_rounding_goes_to_the_one_who_is_debited() -> None:
    credits = entitle([share(1), share(2), share(3)], chosen=2)

    assert credits == {1: Decimal("0.333333"), 2: Decimal("0.333334"), 3: Decimal("0.333333")}


def test_weights_share_in_proportion() -> None:
    weights = {1: Decimal(3), 2: Decimal(1), 3: Decimal("0.5")}

    _, received = play(weights, [{1, 2, 3}] * 90)

    assert received == {1: 60, 2: 20, 3: 10}


def test_nobody_to_choose_from_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="Nobody"):
        choose([], "seed")
    with pytest.raises(ValueError, match="Weights"):
        choose([share(1, weight="0")], "seed")


def test_leave_neither_earns_nor_costs() -> None:
    weights = {1: Decimal(1), 2: Decimal(1)}
    together, away = [{1, 2}] * 10, [{1}] * 50

    balances, received = play(weights, [*together, *away, *together])

    assert received == {1: 60, 2: 10}
    assert balances == {1: 0, 2: 0}


present = st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=150)
weights = st.lists(st.decimals("0.01", "5", places=2, allow_nan=False), min_size=6, max_size=6)


@given(weights, present)
def test_balances_sum_to_zero_whoever_is_there(values: list[Decimal], turns: list[set[int]]) -> None:
    play(dict(enumerate(values)), turns)


@given(weights, st.integers(1, 150))
def test_shares_stay_close_while_all_are_there(values: list[Decimal], leads: int) -> None:
    """With the same people present, nobody is ever two leads away from their share."""
    balances, received = play(dict(enumerate(values)), [set(range(6))] * leads)

    total = sum(values)
    for rep, weight in enumerate(values):
        fair = weight / total * leads
        assert abs(received[rep] - fair) < 2
        assert abs(balances[rep] - (fair - received[rep])) < Decimal("0.001")


@given(present)
def test_with_equal_weights_no_debt_outgrows_the_pool(turns: list[set[int]]) -> None:
    balances, _ = play(dict.fromkeys(range(6), Decimal(1)), turns)

    assert max(abs(balance) for balance in balances.values()) < 6


WEIGHTS = st.sampled_from(["0.1", "0.25", "0.5", "1", "2", "7"])


@given(st.lists(st.lists(WEIGHTS, min_size=5, max_size=5), min_size=1, max_size=60))
def test_in_a_pool_that_is_all_there_balances_keep_their_bound_however_weights_change(turns: list[list[str]]) -> None:
    """-(1 - 1/n) and H(n) - 1, as docs/routing.md proves."""
    size = 5
    low, high = Decimal(-1) + Decimal(1) / size, sum((Decimal(1) / one for one in range(2, size + 1)), Decimal())
    balances = dict.fromkeys(range(size), Decimal())
    for number, weights in enumerate(turns):
        shares = [Share(rep, Decimal(weights[rep]), balances[rep]) for rep in range(size)]
        balances |= balances_after(shares, choose(shares, f"lead {number}"))
        assert low - Decimal("0.00001") <= min(balances.values())
        assert max(balances.values()) <= high + Decimal("0.00001")
