"""The prover: every example really is one, and within small domains nothing is missed."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.conditions import parse
from leads.conditions.prover import Prover


def is_in(fact: str, *values: Any) -> dict[str, Any]:
    return {"fact": fact, "op": "in", "value": list(values)}


def at_least(fact: str, value: float) -> dict[str, Any]:
    return {"fact": fact, "op": "gte", "value": value}


COUNTRY, STAFF, NAME, TOUCHED = "contact.country", "company.staff", "company.name", "lead.last_touch_at"
CUSTOMER = "company.is_customer"


def leaf(fact: str, op: str, *value: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, **({"value": value[0]} if value else {})}


def proof(wanted: Any, *without: Any) -> Any:
    parsed = [parse(tree) for tree in (wanted, *without)]
    return Prover(parsed).find(parsed[0], parsed[1:])


@pytest.mark.parametrize(
    ("wanted", "without"),
    [
        # Two rules together leave nothing, though neither does alone.
        (is_in(COUNTRY, "DE", "AT"), [is_in(COUNTRY, "DE"), is_in(COUNTRY, "AT", "CH")]),
        ({"all": [is_in(COUNTRY, "DE"), at_least(STAFF, 50)]}, [at_least(STAFF, 10)]),
        ({"all": [at_least(STAFF, 50)]}, [at_least(STAFF, 100), leaf(STAFF, "lt", 100)]),
        ({"all": [is_in(COUNTRY, "DE"), {"not": is_in(COUNTRY, "de")}]}, []),
        (leaf(COUNTRY, "is_known"), [{"not": leaf(COUNTRY, "is_unknown")}]),
        (leaf(CUSTOMER, "is_true"), [{"not": leaf(CUSTOMER, "is_false")}]),
        (leaf(NAME, "starts_with", "Nord"), [leaf(NAME, "contains", "ord")]),
        (leaf(TOUCHED, "within_days", 3), [leaf(TOUCHED, "within_days", 9)]),
        ({}, [leaf(STAFF, "is_known"), leaf(STAFF, "is_unknown")]),
        (leaf("time.hour", "gte", 24), []),
        ({}, [leaf("time.hour", "lt", 8), at_least("time.hour", 8)]),
        ({}, [is_in("time.weekday", "saturday", "sunday"), {"not": is_in("time.weekday", "Saturday", "Sunday")}]),
    ],
)
def test_what_cannot_be_is_proved(wanted: Any, without: list[Any]) -> None:
    found = proof(wanted, *without)
    assert (found.example, found.is_sure) == (None, True)


@pytest.mark.parametrize(
    ("wanted", "without"),
    [
        (is_in(COUNTRY, "DE", "AT"), [is_in(COUNTRY, "DE")]),
        ({}, [is_in(COUNTRY, "DE"), at_least(STAFF, 10)]),
        ({"all": [at_least(STAFF, 50), leaf(STAFF, "lt", 51)]}, [leaf(STAFF, "eq", 50)]),
        ({"fact": "contact.language", "op": "ne", "fact_value": COUNTRY}, []),
        (leaf(NAME, "contains", "ord"), [leaf(NAME, "starts_with", "ord")]),
        ({"all": [leaf(NAME, "starts_with", "a"), leaf(NAME, "ends_with", "z")]}, []),
        (leaf("attributes.budget", "gt", 5), [leaf("attributes.budget", "gt", 7)]),
    ],
)
def test_an_example_meets_what_was_asked(wanted: Any, without: list[Any]) -> None:
    found = proof(wanted, *without)
    assert found.example is not None
    assert parse(wanted).holds(found.example)
    assert not any(parse(one).holds(found.example) for one in without)


def test_a_pattern_is_never_claimed_to_be_proved() -> None:
    found = proof(leaf(NAME, "matches", "^x[0-9]{3}$"))
    assert not found.is_sure


SMALL: dict[str, list[Any]] = {
    COUNTRY: ["DE", "AT", "FR", None],
    STAFF: [5, 10, 15, 20, 25, None],
    CUSTOMER: [True, False],
}
small_leaves = (
    st.builds(lambda values: is_in(COUNTRY, *values), st.lists(st.sampled_from(["DE", "AT"]), min_size=1, max_size=2))
    | st.builds(lambda values: {"fact": COUNTRY, "op": "not_in", "value": values}, st.just(["DE"]))
    | st.builds(
        lambda op, value: {"fact": STAFF, "op": op, "value": value},
        st.sampled_from(["gte", "gt", "lt", "lte", "eq", "ne"]),
        st.sampled_from([10, 20]),
    )
    | st.builds(lambda op: leaf(CUSTOMER, op), st.sampled_from(["is_true", "is_false"]))
    | st.builds(leaf, st.sampled_from([COUNTRY, STAFF]), st.sampled_from(["is_known", "is_unknown"]))
)
small_trees = st.recursive(
    small_leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(trees=st.lists(small_trees, min_size=1, max_size=5))
def test_it_agrees_with_trying_everything(trees: list[Any]) -> None:
    """The small world holds a value for each way in which these comparisons can come out."""
    conditions = [parse(tree) for tree in trees]
    worlds = [dict(zip(SMALL, values, strict=True)) for values in product(*SMALL.values())]
    taken = {next((place for place, one in enumerate(conditions) if one.holds(world)), -1) for world in worlds}
    prover = Prover(conditions)
    for place, condition in enumerate(conditions):
        found = prover.find(condition, conditions[:place])
        assert found.is_sure
        assert (found.example is not None) == (place in taken)
        if found.example is not None:
            assert [one.holds(found.example) for one in conditions[: place + 1]] == [False] * place + [True]
    gap = prover.find(parse({}), conditions)
    assert (gap.example is not None) == (-1 in taken)
