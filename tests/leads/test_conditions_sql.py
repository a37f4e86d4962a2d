"""The condition language in Python and in PostgreSQL: both choose the same leads."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from leads.conditions import OPS, parse
from leads.facts import FACTS, facts_of, lead_facts
from leads.models import Lead
from leads.services.territories import save_table
from qualification.models import Answer, Framework, Question
from tests.factories import make_channel, make_company, make_contact, make_lead, make_source, make_touchpoint, make_user

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def leaf(fact: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"fact": fact, "op": op} | ({} if value is None else {"value": value})


TEXTS = [
    "DE",
    "de",
    "Köln",
    "KÖLN",
    "a.b",
    "10",
    "10.5",
    "true",
    "ja",
    "100 %",
    "a_b",
    "\\",
    "ß",
    "Straße",
    "İ",
    "ſ",
    "x'y",
]
texts = st.sampled_from(TEXTS) | st.text(
    alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=6
)
numbers = st.integers(-5, 300) | st.decimals(-5, 300, places=2).map(float)
days = st.integers(0, 40)
TEXT_FACTS = [name for name, fact in FACTS.items() if fact.kind == "text"]
NUMBER_FACTS = [name for name, fact in FACTS.items() if fact.kind == "number"]
BOOL_FACTS = [*(name for name, fact in FACTS.items() if fact.kind == "bool"), "answers.budget.met"]
TIME_FACTS = [name for name, fact in FACTS.items() if fact.kind == "time"]
ATTRIBUTES = ["attributes.a", "attributes.b c", "attributes.5", "attributes.x.y", "answers.budget"]


def _tree(fact: str, op: str, value: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, "value": value}


CODES = ["80331", "80", "8033", "87999", "01067", "SW1A 1AA", "sw1", "1012AB", "00-950", "12345-6789", "0", "ZZZ9"]
ranges = st.sampled_from(
    ["80-87", "80331", "8", "SW1–SW9", "SW", "0", "00-950", "10-12", "1000..1999", "80331 - 80335", "00-ZZ", "ZZZ-ZZZ"]
)
CODE_FACTS = ["contact.postal_code", "attributes.a", "attributes.code"]
patterns = st.sampled_from(["^d", "e$", "k.ln", "[0-9]+", "a|b", r"\.", r"\w{2}", "[^a-z]", "(ab?)+", "ä|ö", r"\s"])
leaves = (
    st.builds(
        _tree,
        st.sampled_from(TEXT_FACTS + ATTRIBUTES),
        st.sampled_from(["eq", "ne", "contains", "starts_with", "ends_with"]),
        texts,
    )
    | st.builds(_tree, st.sampled_from(TEXT_FACTS + ATTRIBUTES), st.just("matches"), patterns)
    | st.builds(
        _tree,
        st.sampled_from(TEXT_FACTS + ATTRIBUTES),
        st.sampled_from(["in", "not_in"]),
        st.lists(texts, min_size=1, max_size=3),
    )
    | st.builds(
        _tree,
        st.sampled_from(NUMBER_FACTS + ATTRIBUTES),
        st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
        numbers,
    )
    | st.builds(
        _tree,
        st.sampled_from(NUMBER_FACTS),
        st.sampled_from(["in", "not_in"]),
        st.lists(numbers, min_size=1, max_size=3),
    )
    | st.builds(leaf, st.sampled_from(BOOL_FACTS + ATTRIBUTES), st.sampled_from(["is_true", "is_false"]))
    | st.builds(leaf, st.sampled_from([*FACTS, *ATTRIBUTES]), st.sampled_from(["is_known", "is_unknown"]))
    | st.builds(_tree, st.sampled_from(CODE_FACTS), st.just("in_ranges"), st.lists(ranges, min_size=1, max_size=3))
    | st.builds(_tree, st.just(CODE_FACTS[0]), st.sampled_from(["eq", "ne"]), st.sampled_from(CODES))
    | st.builds(
        _tree, st.just(CODE_FACTS[0]), st.sampled_from(["in", "not_in"]), st.lists(st.sampled_from(CODES), min_size=1)
    )
    | st.builds(_tree, st.sampled_from(TIME_FACTS), st.sampled_from(["older_than_days", "within_days"]), days)
    | st.builds(
        lambda one, op, two: {"fact": one, "op": op, "fact_value": two},
        st.sampled_from(TEXT_FACTS),
        st.sampled_from(["eq", "ne", "contains", "starts_with", "ends_with"]),
        st.sampled_from(TEXT_FACTS + ATTRIBUTES),
    )
    | st.builds(
        lambda one, op, two: {"fact": one, "op": op, "fact_value": two},
        st.sampled_from(NUMBER_FACTS),
        st.sampled_from(["eq", "ne", "gt", "lte"]),
        st.sampled_from(NUMBER_FACTS + ATTRIBUTES),
    )
)
placed = st.builds(
    _tree,
    st.just("territory.zoo"),
    st.sampled_from(["in", "not_in"]),
    st.lists(st.sampled_from(["North", "South", "Munich", "City", "Rest", "west"]), min_size=1, max_size=3),
)


def _trees(of: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        of,
        lambda inner: st.one_of(
            st.fixed_dictionaries({"all": st.lists(inner, min_size=0, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"not": inner}),
        ),
        max_leaves=6,
    )


trees = _trees(leaves)


ZOO_TABLE = """
North;DE;;0-4
South;DE;;80-87
Munich;DE;;80331 8033-8034
South;DE;bayern;
City;DE;;SW1–SW9
Rest;DE;;
"""


@pytest.fixture(scope="module")
def zoo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Any:
    """Leads of every shape: much known, nothing known, odd letters, answers of odd types."""
    with django_db_blocker.unblock(), transaction.atomic():
        save_table("zoo", "Zoo", ZOO_TABLE)
        yield [_zoo_lead(i).pk for i in range(24)]
        transaction.set_rollback(True)


def _zoo_lead(i: int) -> Lead:
    odd = TEXTS[i % len(TEXTS)]
    answers: list[Any] = [odd, i, i / 4, True, False, None, [1], {"a": 1}, "", "12", "-3.5", "007"]
    company = make_company(
        name=odd,
        country="de" if i % 2 else "AT",
        staff=None if i % 3 == 0 else i * 10,
        revenue=None if i % 4 == 0 else Decimal(i) + Decimal("0.25"),
        is_customer=i % 5 == 0,
        industry=odd if i % 2 else "",
        account_owner=make_user("ae") if i % 6 == 0 else None,
    )
    contact = make_contact(
        email="" if i % 4 == 0 else f"Zoo{i}@Sub.{'Köln' if i % 3 else 'x'}.example",
        phone="" if i % 3 == 0 else f"+4930{i:06d}",
        city=odd,
        postal_code=([*CODES, ""] * 2)[i],
        region=["", "Bayern", "BAYERN", "Wien"][i % 4],
        country=["", "DE", "Ab"][i % 3],
        job_title=odd * (i % 3),
        company=None if i % 5 == 2 else company,
        attributes={
            "a": answers[i % len(answers)],
            "b c": answers[(i * 5) % len(answers)],
            "5": answers[(i * 7) % len(answers)],
            "x.y": odd,
            "code": 80331 if i % 3 else CODES[i % len(CODES)],
        }
        if i % 7
        else {},
    )
    lead = make_lead(
        at=AT - timedelta(days=i, seconds=i % 3 - 1),
        contact=contact,
        channel=make_channel(f"Zoo-{i % 3}"),
        source=make_source(f"Zoo-{i % 4}") if i % 2 else None,
        subject=odd if i % 3 else "",
        fit=i * 4 if i % 2 else None,
        engagement=i if i % 2 else None,
        grade="B2" if i % 2 else "",
        win_probability=0.25 if i % 4 == 1 else None,
    )
    if i % 3:
        framework = Framework.objects.get_or_create(slug="zoo", defaults={"name": "Zoo"})[0]
        question = Question.objects.get_or_create(framework=framework, key="budget", defaults={"label_en": "B"})[0]
        Answer.objects.create(lead=lead, question=question, value="old", at=AT, superseded_at=AT)
        Answer.objects.create(lead=lead, question=question, value=odd, is_met=i % 2 == 0, at=AT)
    for n in range(i % 4):
        make_touchpoint(lead, at=AT - timedelta(days=n % 2), utm_source=odd if n else "", landing_page=f"/{odd}")
    return lead


@given(tree=_trees(leaves | placed))
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_python_and_sql_choose_the_same_leads(
    zoo: list[int], django_db_blocker: DjangoDbBlocker, tree: dict[str, Any]
) -> None:
    with django_db_blocker.unblock():
        condition = parse(tree)
        by_python = {pk for pk, facts in facts_of(zoo, AT).items() if condition.holds(facts)}
        by_sql = set(Lead.objects.filter(pk__in=zoo).filter(condition.to_q(AT)).values_list("pk", flat=True))

    assert by_python == by_sql


@pytest.mark.django_db
@pytest.mark.parametrize("fact", [name for name, fact in FACTS.items() if fact.column])
def test_every_fact_can_be_asked_in_sql(fact: str) -> None:
    kinds = OPS["is_known"].kinds
    assert FACTS[fact].kind in kinds

    lead = make_lead()
    known = lead_facts(lead, AT)[fact] is not None

    assert Lead.objects.filter(parse(leaf(fact, "is_known")).to_q(AT)).exists() is known
