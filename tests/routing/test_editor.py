"""A condition goes through the editor's rows and comes out as it went in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmgmt.core.errors import InvalidInput
from leads.conditions import parse
from routing.editor import Editor, editor_from, editor_of

COUNTRY = {"fact": "contact.country", "op": "in", "value": ["DE", "AT"]}
STAFF = {"fact": "company.staff", "op": "gte", "value": 150}
BUDGET = {"fact": "attributes.budget", "op": "eq", "value": "x"}
NAMES = {"fact": "company.name", "op": "in", "value": ["Foo, Inc.", "Bar"]}
TWO = {"fact": "company.staff", "op": "gte", "fact_value": "lead.age_days"}
KNOWN = {"fact": "company.revenue", "op": "is_known"}


def form_of(editor: Editor) -> dict[str, str]:
    """What a browser sends for these rows."""
    form = {"mode": "all" if editor.is_all else "any"}
    for row in editor.rows:
        form |= {
            f"fact-{row.number}": row.fact,
            f"op-{row.number}": row.op,
            f"value-{row.number}": row.value,
            f"group-{row.number}": str(row.group),
        }
    return form


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"all": [COUNTRY]},
        {"any": [COUNTRY, STAFF, KNOWN]},
        {"all": [STAFF, {"any": [COUNTRY, KNOWN]}]},
        {"any": [{"all": [STAFF, COUNTRY]}, {"all": [KNOWN, STAFF]}, COUNTRY]},
        {
            "all": [
                {"fact": "lead.is_reachable", "op": "is_true"},
                {"fact": "attributes.budget", "op": "eq", "value": "x"},
            ]
        },
    ],
)
def test_a_condition_comes_back_as_it_was(tree: dict[str, Any]) -> None:
    parse(tree)

    assert editor_from(form_of(editor_of(tree))).tree() == tree


def test_one_comparison_becomes_a_list_of_one() -> None:
    assert editor_of(STAFF).tree() == {"all": [STAFF]}


@pytest.mark.parametrize(
    "tree",
    [
        {"not": COUNTRY},
        {"all": [{"not": STAFF}]},
        {"all": [{"any": [{"all": [STAFF]}]}]},
        {"all": [{"all": [STAFF]}]},
        {"all": [NAMES]},
        {"all": [BUDGET | {"value": 5}]},
        {"all": [TWO]},
    ],
)
def test_what_rows_cannot_hold_is_edited_as_text(tree: dict[str, Any]) -> None:
    editor = editor_of(tree)

    assert editor.text is not None
    assert editor_from({"condition_text": editor.text}).tree() == tree


@pytest.mark.parametrize("text", ["{", "[]", "null", '"x"'])
def test_text_that_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Editor(text=text).tree()

    assert "condition" in refusal.value.fields


def test_buttons_add_groups_and_remove_rows() -> None:
    editor = editor_of({"all": [STAFF]}).changed("group").changed("add-1").changed("add")

    assert [(row.fact, row.group) for row in editor.rows] == [
        ("company.staff", 0),
        ("contact.country", 0),
        ("contact.country", 1),
        ("contact.country", 1),
    ]
    assert [row.fact for row in editor.changed("remove-0").changed("remove-1").rows] == ["contact.country"] * 2
    assert editor.changed("refresh") == editor
    assert editor.changed("remove-x") == editor


def test_a_row_keeps_its_number_wherever_it_stands() -> None:
    editor = editor_of({"all": [STAFF, {"any": [COUNTRY, KNOWN]}]}).changed("add").changed("remove-1")

    assert [(row.number, row.fact, row.group) for row in editor.rows] == [
        (0, "company.staff", 0),
        (3, "contact.country", 0),
        (2, "company.revenue", 1),
    ]
    assert editor_from(form_of(editor)) == editor


def test_another_fact_gets_a_comparison_that_it_knows() -> None:
    form = {"mode": "all", "fact-0": "lead.is_reachable", "op-0": "in", "value-0": "DE", "group-0": "0"}

    (row,) = editor_from(form).rows

    assert row.op in dict(row.ops)
    assert row.op != "in"


letters = st.characters(codec="utf-8", exclude_characters=",;\x00")
values = st.lists(st.text(letters, min_size=1, max_size=9), max_size=4)


@given(values)
def test_lists_keep_their_values(parts: list[str]) -> None:
    kept = [part.strip() for part in parts if part.strip()]
    tree = {"all": [{"fact": "contact.city", "op": "in", "value": kept}]}

    assert editor_from(form_of(editor_of(tree))).tree() == tree
