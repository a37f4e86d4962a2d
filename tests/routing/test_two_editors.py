"""Two people prepare one draft at once: the second hears of it in words, and nobody's work is lost silently."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from routing.contradictions import contradiction
from routing.models import Rule, RuleSet
from tests.factories import make_pool, make_rep, make_user
from tests.routing.test_rule_pages import fields_of
from tests.routing.things import ALWAYS, is_in, make_rules, signed_in, text_of


@pytest.fixture
def draft(db: None) -> RuleSet:
    return make_rules(
        ("DACH", is_in("contact.country", "DE"), make_pool(make_rep())),
        ("Rest", ALWAYS, make_pool(make_rep())),
        status="draft",
    )


@pytest.fixture
def ada(db: None) -> Client:
    return signed_in(make_user("admin"))


@pytest.fixture
def bea(db: None) -> Client:
    return signed_in(make_user("admin"))


def opened(client: Client, rule: Rule) -> dict[str, str]:
    """A rule's form as the person has it before them, with another name in it."""
    html = client.get(reverse("routing:rule_edit", args=[rule.pk])).content.decode()
    return fields_of(
        [("contact.country", "in", "FR")],
        target=f"pool:{rule.pool_id}",
        seen=hidden(html, "seen", 'class="rule-editor"'),
    )


def hidden(html: str, name: str, before: str = "") -> str:
    """What a hidden field of the page holds; ``before``: of the form with this in its address."""
    part = html[html.index(before) :] if before else html
    found = re.search(rf'name="{name}" value="([^"]*)"', part)
    assert found is not None
    return found[1]


def test_the_second_to_save_a_rule_is_told_and_keeps_what_they_wrote(draft: RuleSet, ada: Client, bea: Client) -> None:
    rule = draft.rules.get(name="DACH")
    url = reverse("routing:rule_edit", args=[rule.pk])
    mine, theirs = opened(ada, rule), opened(bea, rule)
    bea.post(url, theirs | {"name": "Bea's rule"})

    refused = ada.post(url, mine | {"name": "Ada's rule"})

    html = refused.content.decode()
    assert refused.status_code == 409
    assert "Somebody else has changed this rule since you opened it. Nothing was saved." in text_of(html)
    assert 'value="Ada&#x27;s rule"' in html
    assert "Bea&#x27;s rule" in html
    rule.refresh_from_db()
    assert rule.name == "Bea's rule"
    # Having read it, Ada puts hers in its place.
    ada.post(url, mine | {"name": "Ada's rule", "seen": hidden(html, "seen", before='class="rule-editor"')})
    rule.refresh_from_db()
    assert rule.name == "Ada's rule"


def test_the_editors_own_buttons_do_not_hide_a_conflict(draft: RuleSet, ada: Client, bea: Client) -> None:
    rule = draft.rules.get(name="DACH")
    url = reverse("routing:rule_edit", args=[rule.pk])
    mine = opened(ada, rule)
    bea.post(url, opened(bea, rule) | {"name": "Bea's rule"})

    html = ada.post(url, mine | {"do": "add"}).content.decode()
    refused = ada.post(url, mine | {"seen": hidden(html, "seen", before='class="rule-editor"')})

    assert refused.status_code == 409


def test_a_rule_that_was_deleted_meanwhile_can_be_added_again(draft: RuleSet, ada: Client, bea: Client) -> None:
    rule = draft.rules.get(name="DACH")
    mine = opened(ada, rule)
    bea.post(reverse("routing:rule_delete", args=[rule.pk]))

    refused = ada.post(reverse("routing:rule_edit", args=[rule.pk]), mine | {"name": "Ada's rule"})

    html = refused.content.decode()
    assert refused.status_code == 409
    assert "Save again to add it to the draft as a new rule." in text_of(html)
    assert f'action="{reverse("routing:rule_add")}#rule-new"' in html
    ada.post(reverse("routing:rule_add"), mine | {"name": "Ada's rule"})
    assert list(draft.rules.values_list("name", flat=True)) == ["Ada's rule", "Rest"]


@pytest.mark.parametrize("end", ["routing:draft_publish", "routing:draft_discard"])
def test_a_draft_that_ended_meanwhile_keeps_what_was_written(
    draft: RuleSet, ada: Client, bea: Client, end: str
) -> None:
    rule = draft.rules.get(name="DACH")
    mine = opened(ada, rule)
    bea.post(reverse(end))

    refused = ada.post(reverse("routing:rule_edit", args=[rule.pk]), mine | {"name": "Ada's rule"})

    assert refused.status_code == 409
    assert 'value="Ada&#x27;s rule"' in refused.content.decode()
    opened_late = ada.get(reverse("routing:rule_edit", args=[rule.pk]), follow=True)
    assert "This rule is in no draft any more." in text_of(opened_late.content.decode())


@pytest.mark.parametrize("end", ["routing:draft_publish", "routing:draft_discard"])
def test_nobody_publishes_or_discards_what_they_have_not_seen(
    draft: RuleSet, ada: Client, bea: Client, end: str
) -> None:
    html = ada.get(reverse("routing:overview")).content.decode()
    seen = hidden(html, "seen", before=reverse(end))
    rule = draft.rules.get(name="DACH")
    bea.post(reverse("routing:rule_edit", args=[rule.pk]), opened(bea, rule) | {"name": "Bea's rule"})

    refused = ada.post(reverse(end), {"seen": seen}, follow=True)

    assert "Somebody else has changed the draft since you opened it." in text_of(refused.content.decode())
    draft.refresh_from_db()
    assert draft.status == "draft"
    again = hidden(ada.get(reverse("routing:overview")).content.decode(), "seen", before=reverse(end))
    ada.post(reverse(end), {"seen": again})
    assert not RuleSet.objects.filter(status="draft").exists()


def test_a_rule_opened_by_one_is_not_deleted_after_the_other_changed_it(
    draft: RuleSet, ada: Client, bea: Client
) -> None:
    rule = draft.rules.get(name="DACH")
    seen = opened(ada, rule)["seen"]
    bea.post(reverse("routing:rule_edit", args=[rule.pk]), opened(bea, rule) | {"name": "Bea's rule"})

    ada.post(reverse("routing:rule_delete", args=[rule.pk]), {"seen": seen})

    assert draft.rules.filter(name="Bea's rule").exists()


def at_least(value: Any) -> dict[str, Any]:
    return {"fact": "company.staff", "op": "gte", "value": value}


@pytest.mark.parametrize(
    ("tree", "about"),
    [
        ({}, ""),
        (is_in("contact.country", "DE"), ""),
        ({"all": [is_in("contact.country", "DE", "AT"), is_in("contact.country", "at")]}, ""),
        ({"all": [is_in("contact.country", "DE"), is_in("contact.country", "FR")]}, "contact.country"),
        ({"any": [is_in("contact.country", "DE"), is_in("contact.country", "FR")]}, ""),
        (
            {"all": [is_in("contact.country", "DE"), {"fact": "contact.country", "op": "ne", "value": "de"}]},
            "contact.country",
        ),
        ({"all": [at_least(500), {"fact": "company.staff", "op": "lt", "value": 500}]}, "company.staff"),
        ({"all": [at_least(500), {"fact": "company.staff", "op": "lte", "value": 500}]}, ""),
        ({"all": [at_least(5), {"fact": "company.staff", "op": "is_unknown"}]}, "company.staff"),
        (
            {"all": [{"fact": "contact.country", "op": op, "value": "DE"} for op in ("is_unknown", "ne")]},
            "",
        ),
        (
            {"all": [{"any": [is_in("contact.country", "DE")]}, is_in("contact.country", "FR")]},
            "",
        ),
    ],
)  # fmt: skip
def test_a_condition_that_excludes_itself_is_found(tree: dict[str, Any], about: str) -> None:
    assert contradiction(tree) == about


def test_a_contradiction_stops_publishing_and_is_told_at_the_rule(draft: RuleSet, ada: Client) -> None:
    rule = draft.rules.get(name="DACH")
    rule.condition = {"all": [is_in("contact.country", "DE"), is_in("contact.country", "FR")]}
    rule.save()

    html = ada.get(reverse("routing:overview")).content.decode()

    row = html[html.index(f'id="rule-{rule.pk}"') :]
    told = text_of(row[: row.index("</li>")])
    assert "Rule 1 can never hold. What it says about “country” contradicts itself." in told
    refused = ada.post(reverse("routing:draft_publish"), follow=True)
    assert "Publishing waits: Rule 1 can never hold." in text_of(refused.content.decode())


def test_a_condition_that_cannot_be_read_is_told_beside_its_rows(draft: RuleSet, ada: Client) -> None:
    rule = draft.rules.get(name="DACH")
    rows = [("company.staff", "gte", "many")]

    html = ada.post(
        reverse("routing:rule_edit", args=[rule.pk]), fields_of(rows, target=f"pool:{rule.pool_id}")
    ).content.decode()

    editor = html[html.index('id="condition-editor"') :]
    assert "“many” is no number; staff is compared with one." in text_of(editor[: editor.index("</select>")])
