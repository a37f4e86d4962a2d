"""The pages of routing: what they say, and to whom."""

import pytest
from django.urls import reverse

from leads.models import Lead, User
from routing.models import Rep, Rule, RuleSet
from routing.services.draft import delete_rule, new_draft
from tests.factories import (
    make_company,
    make_contact,
    make_lead,
    make_pool,
    make_rep,
    make_team,
    make_user,
)
from tests.routing.things import ALWAYS, decided, is_in, make_rules, page, route, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return make_user("admin", first_name="Ada", last_name="Admin")


def test_the_overview_tells_the_rules_as_sentences(admin: User) -> None:
    pool = make_pool(make_rep(), name="SDR DACH")
    condition = {"all": [is_in("contact.country", "DE", "AT"), {"fact": "company.staff", "op": "gte", "value": 150}]}
    make_rules(("DACH, large", condition, pool), ("Everyone else", ALWAYS, None))
    company = make_company(staff=200)
    route(make_lead(contact=make_contact(company=company, country="DE")))

    text = page(signed_in(admin), "routing:overview")

    assert "If country is one of DE or AT and staff is at least 150 give to SDR DACH" in text
    assert "Everyone: keep in the waiting room" in text
    assert "version 1 decides" in text
    assert "1 of 1 there now" in text


def test_without_rules_the_page_says_that_everything_waits(admin: User) -> None:
    text = page(signed_in(admin), "routing:overview")

    assert "No rules decide yet" in text
    assert "Begin the rules" in text


def test_an_sdr_reads_the_rules_but_cannot_change_them() -> None:
    make_rules(("All", ALWAYS, make_pool(make_rep())))
    make_rules(("Secret plan", ALWAYS, None), version=2, status="draft")
    client = signed_in(make_user("sdr"))

    text = page(client, "routing:overview")

    assert "Secret plan" not in text
    assert client.get(reverse("routing:overview"), {"version": "2"}).status_code == 404
    assert client.post(reverse("routing:draft_create")).status_code == 403
    assert client.post(reverse("routing:draft_publish")).status_code == 403
    assert client.get(reverse("routing:rule_add")).status_code == 403
    assert RuleSet.objects.get(version=2).status == "draft"


def test_a_team_lead_prepares_a_draft_that_only_an_admin_publishes(admin: User) -> None:
    boss = signed_in(make_user("team_lead"))
    make_rules(("All", ALWAYS, make_pool(make_rep())))

    boss.post(reverse("routing:draft_create"))
    refused = boss.post(reverse("routing:draft_publish"))

    assert refused.status_code == 403
    assert "An admin publishes it." in page(boss, "routing:overview")
    signed_in(admin).post(reverse("routing:draft_publish"))
    assert RuleSet.objects.get(version=2).status == "published"


def fields_of(rows: list[tuple[str, str, str]], **more: str) -> dict[str, str]:
    form = {"name": "Large in DACH", "mode": "all", "is_active": "on", **more}
    for number, (fact, op, value) in enumerate(rows):
        form |= {f"fact-{number}": fact, f"op-{number}": op, f"value-{number}": value, f"group-{number}": "0"}
    return form


def test_a_rule_is_added_and_changed_with_plain_forms(admin: User) -> None:
    pool, rep = make_pool(make_rep()), make_rep()
    draft = make_rules(("Everyone else", ALWAYS, pool), status="draft")
    client = signed_in(admin)
    rows = [("contact.country", "in", "DE, AT"), ("company.staff", "gte", "150")]

    client.post(reverse("routing:rule_add"), fields_of(rows, target=f"pool:{pool.pk}"))

    rule = draft.rules.first()
    assert rule is not None
    # Above the rule that takes everybody.
    assert (rule.position, rule.name) == (1, "Large in DACH")
    assert rule.condition == {
        "all": [
            {"fact": "contact.country", "op": "in", "value": ["DE", "AT"]},
            {"fact": "company.staff", "op": "gte", "value": 150},
        ]
    }
    client.post(reverse("routing:rule_edit", args=[rule.pk]), fields_of([], target=f"rep:{rep.pk}", name="To one"))
    rule.refresh_from_db()
    assert (rule.name, rule.condition, rule.destination, rule.pool, rule.rep) == ("To one", {}, "rep", None, rep)


def test_what_is_wrong_with_a_rule_is_said_and_nothing_is_saved(admin: User) -> None:
    pool = make_pool(make_rep())
    draft = make_rules(status="draft")
    client = signed_in(admin)
    rows = [("company.staff", "gte", "many")]

    response = client.post(reverse("routing:rule_add"), fields_of(rows, target=f"pool:{pool.pk}"))
    nameless = client.post(reverse("routing:rule_add"), fields_of([], target="pool:0", name=""))

    assert response.status_code == nameless.status_code == 422
    assert "“many” is no number; staff is compared with one." in text_of(response.content.decode())
    assert 'value="many"' in response.content.decode()
    assert not draft.rules.exists()


def test_the_editor_adds_and_removes_rows_without_saving(admin: User) -> None:
    draft = make_rules(("All", ALWAYS, make_pool(make_rep())), status="draft")
    rule = draft.rules.get()
    url = reverse("routing:rule_edit", args=[rule.pk])
    client = signed_in(admin)
    rows = [("company.staff", "gte", "150")]

    plain = client.post(url, fields_of(rows, do="add"))
    partial = client.post(url, fields_of(rows, do="group"), headers={"HX-Request": "true"})
    less = client.post(url, fields_of(rows, do="remove-0"), headers={"HX-Request": "true"})

    assert plain.content.decode().count('aria-label="Comparison"') == 2
    assert "<html" in plain.content.decode()
    assert partial.content.decode().count('aria-label="Comparison"') == 2
    assert "<html" not in partial.content.decode()
    assert 'name="group-1" value="1"' in partial.content.decode()
    assert "holds for every lead" in text_of(less.content.decode())
    rule.refresh_from_db()
    assert rule.condition == {}


def test_findings_stop_publishing_and_say_how_to_mend(admin: User) -> None:
    pool = make_pool(make_rep())
    make_rules(
        ("DACH", is_in("contact.country", "DE", "AT"), pool),
        ("Fair", {"all": [is_in("contact.country", "DE"), is_in("lead.source", "trade-fair")]}, pool),
        ("Empty", ALWAYS, make_pool(name="Nobody's")),
        status="draft",
    )
    client = signed_in(admin)

    text = page(client, "routing:overview")
    response = client.post(reverse("routing:draft_publish"), follow=True)

    assert "2 findings stop it" in text
    assert "Rule 2 can never be reached. Rule 1 takes all its leads first." in text
    assert "Move 2 above 1" in text
    assert "Rule 3 gives to a pool without people." in text
    assert "Publishing waits:" in text_of(response.content.decode())
    assert RuleSet.objects.get().status == "draft"


def test_a_lead_is_tried_on_the_rules_without_being_given_away(admin: User) -> None:
    make_rules(("France", is_in("contact.country", "FR"), None), ("All", ALWAYS, make_pool(make_rep(), name="Rest")))
    lead = make_lead(contact=make_contact(first_name="Nele", last_name="Bachmann", country="DE"))
    client = signed_in(admin)

    text = page(client, "routing:overview", **{"try": "Bachmann"})
    unknown = page(client, "routing:overview", **{"try": "Nobody Known"})

    assert "rule 2, All: give to Rest" in text
    assert "country is DE; wanted: is one of FR" in text
    assert "No lead that you may see is called “Nobody Known”." in unknown
    assert Lead.objects.get(pk=lead.pk).owner is None


def test_earlier_versions_are_listed_and_can_decide_again(admin: User) -> None:
    pool = make_pool(make_rep())
    make_rules(("Old", ALWAYS, pool), version=1, status="archived")
    make_rules(("New", ALWAYS, pool), version=2)
    client = signed_in(admin)

    client.post(reverse("routing:version_restore", args=[1]))

    assert list(RuleSet.objects.order_by("version").values_list("version", "status")) == [
        (1, "archived"),
        (2, "archived"),
        (3, "published"),
    ]
    assert Rule.objects.get(rule_set__version=3).name == "Old"
    assert "Back to version 1" in page(client, "routing:version_list")


def test_a_decision_is_explained_from_the_verdict_to_the_draw() -> None:
    certificate = decided()
    chosen = certificate.rep
    assert chosen is not None

    text = page(signed_in(chosen.user), "routing:certificate", certificate.pk)

    assert f"Why this lead went to {chosen}" in text
    assert "Rule 2 DACH was the first to match." in text
    assert "Of 3 reps in the pool SDR DACH 2 could take a lead at that moment." in text
    assert f"Ann Able and Ben Bold were owed the same and had waited equally long, so a draw decided: {chosen}." in text
    assert "country is DE; wanted: is one of FR" in text
    assert "One rule below not read, because one above matched" in text
    assert "0 of 25" in text
    assert "Had switched leads off" in text
    assert "−0.50" in text
    assert "Verified" in text
    assert certificate.digest in text


def test_somebody_who_did_not_get_the_lead_reads_why() -> None:
    certificate = decided()
    off = Rep.objects.get(is_accepting=False)

    assert "Why not you? Had switched leads off." in page(signed_in(off.user), "routing:certificate", certificate.pk)


def test_a_decision_is_seen_by_who_sees_the_lead() -> None:
    certificate = decided()
    stranger = signed_in(make_user("sdr", team=make_team("other")))

    for name in ("routing:certificate", "routing:certificate_file"):
        assert stranger.get(reverse(name, args=[certificate.pk])).status_code == 404
    document = signed_in(certificate.rep.user).get(reverse("routing:certificate_file", args=[certificate.pk])).json()
    assert document["verified"] is True
    assert document["digest"] == certificate.digest


def test_a_rule_with_another_name_is_the_same_rule_renamed(admin: User) -> None:
    pool = make_pool(make_rep())
    make_rules(("DACH", is_in("contact.country", "DE"), pool), ("Rest", ALWAYS, pool))
    route(make_lead(contact=make_contact(country="DE")))
    client = signed_in(admin)
    client.post(reverse("routing:draft_create"))
    rule = Rule.objects.get(rule_set__version=2, name="DACH")
    # As the editor writes it: a list of one comparison is that comparison.
    Rule.objects.filter(pk=rule.pk).update(name="Germany", condition={"all": [rule.condition]})

    response = client.get(reverse("routing:overview"))

    assert [(line.rule.name, line.change, line.taken) for line in response.context["lines"]] == [
        ("Germany", "renamed", 1),
        ("Rest", "", 0),
    ]
    assert response.context["changes"] == 1


def test_what_was_taken_out_of_a_draft_is_shown_and_can_be_put_back() -> None:
    make_rules(
        ("Swiss", is_in("contact.country", "CH"), None),
        ("French", is_in("contact.country", "FR"), None),
        ("Rest", ALWAYS, None),
    )
    draft = new_draft(None)
    delete_rule(draft.rules.get(name="French").pk)
    client = signed_in(make_user("admin"))
    assert "Taken out French" in page(client, "routing:overview")

    old = Rule.objects.get(rule_set__version=1, name="French")
    client.post(reverse("routing:rule_put_back", args=[old.pk]))

    names = list(draft.rules.order_by("position").values_list("name", flat=True))
    assert names == ["Swiss", "French", "Rest"]
    assert "Taken out" not in page(client, "routing:overview")
    assert "0 changes" in page(client, "routing:overview")
    # A rule of the draft itself, or of nowhere, cannot be put back.
    for pk in (draft.rules.first().pk, 10**9):  # type: ignore[union-attr]  # it has three
        client.post(reverse("routing:rule_put_back", args=[pk]))
    assert draft.rules.count() == 3
