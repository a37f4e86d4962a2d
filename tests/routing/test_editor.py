"""A condition goes through the editor's rows and comes out as it went in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmgmt.core.errors import InvalidInput
from leads.conditions import parse
from routing.editor import Editor, Group, Node, editor_from, editor_of

COUNTRY = {"fact": "contact.country", "op": "in", "value": ["DE", "AT"]}
STAFF = {"fact": "company.staff", "op": "gte", "value": 150}
BUDGET = {"fact": "attributes.budget", "op": "eq", "value": "x"}
NAMES = {"fact": "company.name", "op": "in", "value": ["Foo, Inc.", "Bar"]}
TWO = {"fact": "company.staff", "op": "gte", "fact_value": "lead.age_days"}
KNOWN = {"fact": "company.revenue", "op": "is_known"}


def form_of(editor: Editor) -> dict[str, str]:
    """What a browser sends for these rows and groups: in the order in which they are drawn."""
    form = {"mode": "all" if editor.is_all else "any"}

    def send(nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            if node.row:
                row, number = node.row, node.row.number
                form[f"fact-{number}"], form[f"op-{number}"] = row.fact, row.op
                form[f"group-{number}"], form[f"value-{number}"] = str(row.group), row.value
            elif node.group:
                form[f"parent-{node.group.number}"] = str(node.group.parent)
                form[f"kind-{node.group.number}"] = node.group.kind
                send(node.inside)

    send(editor.nodes)
    return form


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"all": [COUNTRY]},
        {"any": [COUNTRY, STAFF, KNOWN]},
        {"all": [STAFF, {"any": [COUNTRY, KNOWN]}]},
        {"any": [{"all": [STAFF, COUNTRY]}, {"all": [KNOWN, STAFF]}, COUNTRY]},
        {"all": [STAFF, {"not": {"any": [COUNTRY, KNOWN]}}]},
        {"all": [{"any": [COUNTRY, {"all": [STAFF, {"not": {"any": [KNOWN]}}]}]}, KNOWN]},
        {"all": [{"all": [STAFF]}]},
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


@pytest.mark.parametrize(
    ("tree", "written"),
    [
        (STAFF, {"all": [STAFF]}),
        ({"not": COUNTRY}, {"all": [{"not": {"any": [COUNTRY]}}]}),
        ({"all": [{"not": {"all": [COUNTRY, STAFF]}}]}, {"all": [{"not": {"any": [{"all": [COUNTRY, STAFF]}]}}]}),
        ({"not": {"not": STAFF}}, {"all": [{"not": {"any": [{"not": {"any": [STAFF]}}]}}]}),
    ],
)
def test_what_means_the_same_is_written_in_one_way(tree: dict[str, Any], written: dict[str, Any]) -> None:
    assert editor_of(tree).tree() == written


@pytest.mark.parametrize(
    "tree",
    [
        {"all": [{"any": [{"all": [{"any": [{"all": [STAFF, COUNTRY]}, KNOWN]}, STAFF]}, KNOWN]}, STAFF]},
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
    editor = editor_of({"all": [STAFF]}).changed("group").changed("add-1").changed("add").changed("group-1")

    # A new group is of the other kind than the one around it, and begins with a row.
    assert [(one.kind, one.parent) for one in editor.items if isinstance(one, Group)] == [("any", 0), ("all", 1)]
    assert [(row.fact, row.group) for row in editor.rows] == [
        ("company.staff", 0),
        ("contact.country", 1),
        ("contact.country", 1),
        ("contact.country", 0),
        ("contact.country", 2),
    ]
    assert [row.number for row in editor.changed("remove-0").changed("remove-3").rows] == [1, 2, 4]
    # What stands in a group goes with it.
    assert [row.number for row in editor.changed("drop-1").rows] == [0, 3]
    assert [row.number for row in editor.changed("drop-2").rows] == [0, 1, 2, 3]
    for nothing in ("refresh", "remove-x", "remove-", "drop-", "drop-9", "add-7", "group-x", "remove-99", ""):
        assert editor.changed(nothing) == editor


def test_groups_stop_where_they_could_not_be_read_any_more() -> None:
    editor = Editor().changed("group").changed("group-1").changed("group-2")
    deepest = editor.nodes[0].inside[1].inside[1]

    assert not deepest.may_deepen
    assert editor.changed("group-3") == editor
    assert str(editor.tree()).count("contact.country") == 3
    assert editor_of(editor.tree()).text is None


def test_a_row_keeps_its_number_wherever_it_stands() -> None:
    editor = editor_of({"all": [STAFF, {"any": [COUNTRY, KNOWN]}]}).changed("add").changed("remove-1")

    assert {(row.number, row.fact, row.group) for row in editor.rows} == {
        (0, "company.staff", 0),
        (2, "company.revenue", 1),
        (3, "contact.country", 0),
    }
    again = editor_from(form_of(editor))
    assert set(again.items) == set(editor.items)
    assert again.tree() == editor.tree()


def test_a_group_that_did_not_come_loses_nothing() -> None:
    form = {"mode": "all", "fact-0": "company.staff", "op-0": "gte", "value-0": "5", "group-0": "7"}
    circle = {"kind-1": "any", "parent-1": "2", "kind-2": "all", "parent-2": "1"}

    assert editor_from(form).tree() == {"all": [{"fact": "company.staff", "op": "gte", "value": 5}]}
    assert editor_from(circle | form | {"group-0": "2"}).tree() == {
        "all": [{"any": [{"all": [{"fact": "company.staff", "op": "gte", "value": 5}]}]}]
    }


def test_words_join_what_stands_in_a_group() -> None:
    (first, group) = editor_of({"all": [STAFF, {"any": [COUNTRY, KNOWN]}]}).nodes

    assert (first.word, group.word) == ("if", "and")
    assert [node.word for node in group.inside] == ["", "or"]


leaves = st.sampled_from([COUNTRY, STAFF, KNOWN])


@given(
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"not": inner}),
        ),
        max_leaves=6,
    ),
    st.fixed_dictionaries(
        {
            "contact.country": st.sampled_from(["DE", "CH", None]),
            "company.staff": st.sampled_from([10, 150, None]),
            "company.revenue": st.sampled_from([1, None]),
        }
    ),
)
def test_whatever_is_edited_means_what_it_meant(tree: dict[str, Any], facts: dict[str, Any]) -> None:
    edited = editor_from(sent(editor_of(tree)))

    assert parse(edited.tree()).holds(facts) == parse(tree).holds(facts)


def sent(editor: Editor) -> dict[str, str]:
    return {"condition_text": editor.text} if editor.text is not None else form_of(editor)


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
