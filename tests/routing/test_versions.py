"""Versions of the rules: one draft, one that decides, and nothing of the past ever changes."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.conditions.prover import Prover
from leads.models import Lead
from leads.services.territories import save_table
from routing.decide import RuleView, first_match, readable
from routing.findings import findings_of
from routing.models import Certificate, Rule, RuleSet, WaitingLead
from routing.services.draft import (
    RuleData,
    add_rule,
    delete_rule,
    discard_draft,
    duplicate_rule,
    move_rule,
    new_draft,
    update_rule,
)
from routing.services.publish import publish_rule_set, roll_back
from tests.factories import make_contact, make_lead, make_pool, make_rep, make_user
from tests.routing.things import ALWAYS, is_in, make_rules, route, shift, signed_in

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def names(rule_set: RuleSet) -> list[str]:
    """Rules in order; positions run from 1 without a gap."""
    rules = list(rule_set.rules.order_by("position"))
    assert [rule.position for rule in rules] == list(range(1, len(rules) + 1))
    return [rule.name for rule in rules]


@pytest.mark.django_db
def test_a_draft_begins_as_a_copy_and_there_is_one() -> None:
    live = make_rules(("A", is_in("contact.country", "DE"), None), ("B", ALWAYS, make_pool(make_rep())))

    draft = new_draft(make_user("admin"))

    assert (draft.version, draft.status, names(draft)) == (2, "draft", ["A", "B"])
    assert {rule.pk for rule in draft.rules.all()}.isdisjoint(rule.pk for rule in live.rules.all())
    with pytest.raises(DomainError, match="There is a draft already"):
        new_draft(None)


@pytest.mark.django_db
def test_rules_are_added_moved_doubled_and_taken_out_in_the_draft_only() -> None:
    pool = make_pool(make_rep())
    live = make_rules(("A", is_in("contact.country", "DE"), pool), ("Rest", ALWAYS, pool))
    draft = new_draft(None)
    a, rest = draft.rules.order_by("position")

    b = add_rule(draft.pk, RuleData("B", "pool", is_in("contact.country", "FR"), pool_id=pool.pk))
    assert names(draft) == ["A", "B", "Rest"]
    move_rule(b.pk, 1)
    assert names(draft) == ["B", "A", "Rest"]
    move_rule(rest.pk, 99)
    duplicate_rule(a.pk)
    assert names(draft) == ["B", "A", "A, copy", "Rest"]
    delete_rule(b.pk)
    assert names(draft) == ["A", "A, copy", "Rest"]

    assert names(live) == ["A", "Rest"]
    for change in (lambda pk: move_rule(pk, 2), delete_rule, duplicate_rule):
        with pytest.raises(DomainError, match="no draft any more"):
            change(live.rules.first().pk)
    assert names(live) == ["A", "Rest"]


@pytest.mark.django_db
def test_an_incomplete_rule_names_each_field() -> None:
    draft = make_rules(status="draft")
    broken = {"all": [{"fact": "contact.county", "op": "eq", "value": "DE"}]}

    with pytest.raises(InvalidInput) as refusal:
        add_rule(draft.pk, RuleData(" ", "pool", broken))

    assert set(refusal.value.fields) == {"name", "pool_id", "condition"}
    assert "contact.country" in refusal.value.fields["condition"]
    assert not Rule.objects.exists()


@pytest.mark.django_db
def test_publishing_replaces_what_decided_and_wakes_what_waits() -> None:
    rep = make_rep()
    old = make_rules(("France", is_in("contact.country", "FR"), make_pool(rep)))
    lead = make_lead(contact=make_contact(country="DE"))
    route(lead)
    draft = new_draft(None)
    add_rule(draft.pk, RuleData("All", "rep", {}, rep_id=rep.pk))

    publish_rule_set(draft.pk, make_user("admin"), NOW + timedelta(days=999))

    old.refresh_from_db()
    draft.refresh_from_db()
    assert (old.status, draft.status) == ("archived", "published")
    other = make_lead(contact=make_contact(country="DE"))
    route(other)
    assert other.owner == rep.user
    assert WaitingLead.objects.get(lead=lead).wake_at <= NOW + timedelta(days=999)
    for late in (lambda: publish_rule_set(draft.pk, None, NOW), lambda: discard_draft(draft.pk)):
        with pytest.raises(DomainError, match="no draft any more"):
            late()


@pytest.mark.django_db
def test_a_draft_with_a_broken_rule_is_not_published() -> None:
    live = make_rules(("All", ALWAYS, None))
    draft = new_draft(None)
    draft.rules.update(condition={"fact": "gone.away", "op": "eq", "value": 1})

    with pytest.raises(DomainError, match="Rule 1 cannot be read"):
        publish_rule_set(draft.pk, None, NOW)

    live.refresh_from_db()
    assert live.status == "published"


@pytest.mark.django_db
def test_going_back_makes_a_new_version_beside_a_draft() -> None:
    make_rules(("Old", ALWAYS, None), version=1, status="archived")
    make_rules(("New", ALWAYS, None), version=2)
    draft = new_draft(None)

    back = roll_back(1, None, NOW)

    draft.refresh_from_db()
    assert (back.version, back.status, names(back)) == (4, "published", ["Old"])
    assert draft.status == "draft"
    with pytest.raises(DomainError, match="no version 9"):
        roll_back(9, None, NOW)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_wins() -> None:
    make_rules(("Old", ALWAYS, make_pool(make_rep())), version=1)
    draft = new_draft(None)
    barrier = Barrier(6)

    def publish(number: int) -> str:
        try:
            barrier.wait(20)
            if number % 2:
                return f"back {roll_back(1, None, NOW).version}"
            return f"draft {publish_rule_set(draft.pk, None, NOW).version}"
        except DomainError as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        said = list(threads.map(publish, range(6)))

    assert RuleSet.objects.filter(status="published").count() == 1
    assert sum(text.startswith("draft") for text in said) <= 1
    assert not RuleSet.objects.filter(status="published", published_at=None).exists()


DE, BOTH = is_in("contact.country", "DE"), {"all": [is_in("contact.country", "DE"), is_in("lead.source", "fair")]}


def staff(op: str, value: Any = None) -> dict[str, Any]:
    return {"fact": "company.staff", "op": op} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("earlier", "later", "is_covered"),
    [
        ({}, DE, True),
        (is_in("contact.country", "DE", "AT"), is_in("contact.country", "de"), True),
        (DE, is_in("contact.country", "DE", "AT"), False),
        (DE, BOTH, True),
        (BOTH, DE, False),
        (staff("gte", 10), staff("gt", 10), True),
        (staff("gt", 10), staff("gte", 10), False),
        (staff("is_known"), staff("lt", 9), True),
        (staff("is_known"), staff("is_unknown"), False),
        ({"any": [DE]}, DE, True),
        ({"any": [DE]}, {"any": [DE]}, True),
    ],
)
def test_a_rule_that_can_never_be_reached_is_found(earlier: Any, later: Any, is_covered: bool) -> None:
    first, second = readable(earlier), readable(later)
    assert first is not None
    assert second is not None
    proof = Prover([first, second]).find(second, [first])
    assert proof.is_sure
    assert (proof.example is None) is is_covered


@pytest.mark.django_db
def test_rules_that_take_everything_together_are_named_and_no_other() -> None:
    pool = make_pool(make_rep())
    small, large = staff("lt", 50), staff("gte", 50)
    draft = make_rules(
        ("France", is_in("contact.country", "FR"), pool),
        ("Small", small, pool),
        ("Large", large, pool),
        ("Known", staff("is_known"), pool),
        ("Unknown", staff("is_unknown"), pool),
        status="draft",
    )
    found = [one for one in findings_of(draft) if one.level == "stop"]
    assert [(one.title, one.more) for one in found] == [
        ("Rule 4 can never be reached.", "Rules 2, 3 take all its leads first."),
    ]
    assert not any("Not every lead" in one.title for one in findings_of(draft))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "condition",
    [
        {"all": [is_in("contact.country", "DE", "AT"), {"not": {"any": [is_in("contact.country", "DE", "AT")]}}]},
        {
            "all": [
                {"any": [is_in("contact.country", "DE"), is_in("contact.country", "AT")]},
                is_in("contact.country", "CH"),
            ]
        },
        {"all": [{"fact": "time.hour", "op": "gte", "value": 24}]},
    ],
)
def test_a_condition_that_no_lead_can_meet_stops_publishing(condition: dict[str, Any]) -> None:
    pool = make_pool(make_rep())
    draft = make_rules(("Never", condition, pool), ("Rest", ALWAYS, pool), status="draft")

    stops = [one.title for one in findings_of(draft) if one.level == "stop"]

    assert stops == ["Rule 1 can never hold."]


@pytest.mark.django_db
def test_a_territory_that_its_table_does_not_know_is_found_until_it_does() -> None:
    save_table("area", "Area", "North;DE;;2")
    pool = make_pool(make_rep())
    rule = ("South", {"all": [is_in("territory.area", "South")]}, pool)
    draft = make_rules(rule, ("Rest", ALWAYS, pool), status="draft")
    assert [one.title for one in findings_of(draft) if one.level == "stop"] == ["Rule 1 can never hold."]

    save_table("area", "Area", "North;DE;;2\nSouth;DE;;8")

    assert not [one for one in findings_of(draft) if one.level == "stop"]


@pytest.mark.django_db
def test_a_gap_is_shown_by_a_lead_that_falls_into_it() -> None:
    pool = make_pool(make_rep())
    draft = make_rules(("Large", staff("gte", 50), pool), ("Unknown", staff("is_unknown"), pool), status="draft")
    (gap,) = [one for one in findings_of(draft) if one.title == "Not every lead finds a rule."]
    assert gap.more.endswith("For example: staff: 49.")


@pytest.mark.django_db
def test_the_longest_time_that_nobody_serves_a_pool_is_named() -> None:
    rep = make_rep(make_user("sdr", time_zone="Europe/Berlin"), always=False)
    for day in range(5):
        shift(rep, day, "08:00", "18:00")
    draft = make_rules(("All", ALWAYS, make_pool(rep, name="Day")), status="draft")
    (found,) = [one for one in findings_of(draft) if "served" in one.title]
    assert "50 of 168 hours" in found.title
    assert "Fri" in found.more
    assert "Mon" in found.more


@pytest.mark.django_db
def test_findings_tell_what_is_worth_knowing() -> None:
    pool = make_pool(make_rep(always=False), name="Night")
    draft = make_rules(("DE", is_in("contact.country", "DE"), pool), status="draft")

    found = [(finding.level, finding.title) for finding in findings_of(draft)]

    assert found == [
        ("warn", "Not every lead finds a rule."),
        ("warn", "Some leads get no promise of a first touch."),
        ("warn", "Nobody of Night works in the next seven days."),
        ("good", "Every rule can be read and reached."),
    ]


def test_a_rule_that_cannot_be_read_any_more_never_holds() -> None:
    tree = {"fact": "gone.away", "op": "eq", "value": 1}
    rules = [RuleView(1, 1, "Old", tree, readable(tree)), RuleView(2, 2, "All", {}, readable({}))]

    rule, looked = first_match(rules, {})

    assert rule == rules[1]
    assert [one.held for one in looked] == [False, True]


@pytest.mark.django_db
def test_a_replay_gives_the_rules_back_and_shows_what_a_draft_would_move() -> None:
    pool, other = make_pool(make_rep(), name="Rest"), make_pool(make_rep(), name="France")
    make_rules(("All", ALWAYS, pool))
    for country in ("DE", "FR", "FR", "IT"):
        route(make_lead(contact=make_contact(country=country)))
    draft = new_draft(None)
    add_rule(draft.pk, RuleData("France", "pool", is_in("contact.country", "FR"), pool_id=other.pk))
    rest = draft.rules.get(name="All")
    update_rule(rest.pk, RuleData("All", "pool", is_in("contact.country", "FR", "DE"), pool_id=pool.pk))
    before = list(Lead.objects.order_by("pk").values_list("owner", flat=True))

    same, moved = told("1"), told("2")

    assert (same["leads"], same["moved"], same["unmatched"]) == (4, 0, 0)
    assert (moved["leads"], moved["moved"], moved["unmatched"]) == (4, 3, 1)
    assert [(rule["name"], rule["leads"], rule["before"]) for rule in moved["rules"]] == [
        ("France", 2, 0),
        ("All", 1, 4),
    ]
    assert {(move["before"], move["after"]): move["leads"] for move in moved["moves"]} == {
        ("Rest", "France"): 2,
        ("Rest", "Rest"): 1,
        ("Rest", "unmatched"): 1,
    }
    assert list(Lead.objects.order_by("pk").values_list("owner", flat=True)) == before
    assert Certificate.objects.count() == 4
    with pytest.raises(CommandError, match="no version 7"):
        call_command("simulate_routing", "7", "--since", "2026-01-01")


def told(version: str) -> dict[str, Any]:
    out = StringIO()
    call_command("simulate_routing", version, "--since", "30d", "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


@pytest.mark.django_db
def test_the_api_tells_the_decision_to_who_may_see_the_lead() -> None:
    rep = make_rep()
    make_rules(("All", ALWAYS, make_pool(rep, name="Rest", slug="rest")))
    lead, unrouted = make_lead(), make_lead(owner=rep.user)
    route(lead)
    url = reverse("api:lead_certificate", args=[lead.pk])

    body = signed_in(rep.user).get(url).json()

    assert (body["outcome"], body["rule"], body["pool"], body["owner"]) == ("assigned", "All", "rest", str(rep))
    assert body["verified"] is True
    assert body["sentence"].startswith("Rule 1 All was the first to match.")
    assert signed_in(make_user("sdr")).get(url).status_code == 404
    nothing = signed_in(rep.user).get(reverse("api:lead_certificate", args=[unrouted.pk]))
    assert (nothing.status_code, nothing.json()["title"]) == (404, "No rule has decided about this lead yet.")
