"""The pages of routing: what they say, and to whom."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.models import Lead, User
from routing.models import Absence, Assignment, Certificate, PoolMember, Rep, Rule, RuleSet, WaitingLead
from tests.factories import (
    make_company,
    make_contact,
    make_lead,
    make_policy,
    make_pool,
    make_rep,
    make_team,
    make_user,
)
from tests.routing.things import ALWAYS, is_in, make_rules, route

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: Any, **params: str) -> str:
    """The page's text, spaces made plain."""
    response = client.get(reverse(name, args=args), params)
    assert response.status_code == 200, response.status_code
    return text_of(response.content.decode())


def text_of(html: str) -> str:
    body = re.sub(r"<svg.*?</svg>|<script.*?</script>|<template.*?</template>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\xa0", " ").split())


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
    assert "takes every lead" in text_of(less.content.decode())
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


def decided() -> Certificate:
    """A decision by draw between two; the third had switched off."""
    team = make_team("dach")
    ann = make_rep(make_user("sdr", first_name="Ann", last_name="Able", team=team))
    ben = make_rep(make_user("sdr", first_name="Ben", last_name="Bold", team=team), max_open_leads=25)
    off = make_rep(make_user("sdr", first_name="Out", last_name="Off", team=team), is_accepting=False)
    make_policy(15, is_default=True)
    pool = make_pool(ann, ben, off, name="SDR DACH", team=team)
    make_rules(("France", is_in("contact.country", "FR"), None), ("DACH", ALWAYS, pool), ("Rest", ALWAYS, None))
    lead = make_lead(contact=make_contact(first_name="Nele", last_name="Bachmann"))
    route(lead)
    return Certificate.objects.get(lead=lead)


def test_a_decision_is_explained_from_the_verdict_to_the_draw() -> None:
    certificate = decided()
    chosen = certificate.rep
    assert chosen is not None

    text = page(signed_in(chosen.user), "routing:certificate", certificate.pk)

    assert f"Why this lead went to {chosen}" in text
    assert "Rule 2 “DACH” was the first to match." in text
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


def test_a_waiting_lead_is_listed_and_can_be_tried_again(admin: User) -> None:
    rep = make_rep(is_accepting=False)
    make_rules(("All", ALWAYS, make_pool(rep, name="SDR DACH")))
    lead = make_lead(contact=make_contact(first_name="Nele", last_name="Bachmann"))
    route(lead)
    client = signed_in(admin)

    text = page(client, "routing:waiting_list")
    still = client.post(reverse("routing:waiting_retry", args=[lead.pk]), follow=True)
    Rep.objects.update(is_accepting=True)
    given = client.post(reverse("routing:waiting_retry", args=[lead.pk]), follow=True)

    assert "Nele Bachmann" in text
    assert "Nobody takes leads at the moment." in text
    assert "Ada Admin" in text
    assert "Still nobody can take it." in text_of(still.content.decode())
    assert f"Given to {rep}." in text_of(given.content.decode())
    assert not WaitingLead.objects.filter(left_at__isnull=True).exists()


def test_a_pool_page_shows_balances_and_ledger() -> None:
    certificate = decided()
    client = signed_in(make_user("sdr", team=make_team("dach")))
    stranger = signed_in(make_user("sdr", team=make_team("other")))

    text = page(client, "routing:pool_detail", certificate.pool.slug)

    assert "2 of 3 could take a lead now." in text
    assert "all entries together: 0.00" in text
    assert "Nele Bachmann" in text
    assert "Nele Bachmann" not in page(stranger, "routing:pool_detail", certificate.pool.slug)


def test_shares_are_changed_by_the_teams_lead_and_nobody_elses(admin: User) -> None:
    team = make_team("dach")
    rep, new = make_rep(), make_rep()
    pool = make_pool(rep, team=team)
    url = reverse("routing:member_set", args=[pool.slug])

    others = signed_in(make_user("team_lead", team=make_team("other"))).post(url, {"rep": rep.pk, "weight": "3"})
    signed_in(make_user("team_lead", team=team)).post(url, {"rep": rep.pk, "weight": "0,5"})
    wrong = signed_in(admin).post(url, {"rep": rep.pk, "weight": "lots"}, follow=True)
    signed_in(admin).post(url, {"rep": new.pk, "weight": "2"})

    assert others.status_code == 403
    assert "A share is a number from 0 to 99" in text_of(wrong.content.decode())
    assert {member.rep_id: float(member.weight) for member in PoolMember.objects.all()} == {rep.pk: 0.5, new.pk: 2}


def test_a_rep_switches_themselves_off_and_notes_leave_but_not_hours() -> None:
    rep, other = make_rep(), make_rep()
    client = signed_in(rep.user)

    client.post(reverse("routing:rep_accepting", args=[rep.pk]), {"accepting": "off"})
    client.post(
        reverse("routing:absence_add", args=[rep.pk]),
        {"starts_at": "2026-07-01T00:00", "ends_at": "2026-07-15T00:00", "reason": "Holiday"},
    )
    hours = client.post(reverse("routing:rep_hours", args=[rep.pk]), {"day_0": "9:00-17:00"})
    foreign = client.post(reverse("routing:rep_accepting", args=[other.pk]), {"accepting": "off"})

    rep.refresh_from_db()
    other.refresh_from_db()
    absence = Absence.objects.get()
    assert (rep.is_accepting, other.is_accepting) == (False, True)
    # Midnight in Berlin, in summer.
    assert (absence.starts_at.isoformat(), absence.reason) == ("2026-06-30T22:00:00+00:00", "Holiday")
    assert hours.status_code == foreign.status_code == 403
    assert "switched off" in page(client, "routing:rep_list")


def test_hours_are_typed_as_people_write_them(admin: User) -> None:
    rep = make_rep()
    client = signed_in(admin)
    url = reverse("routing:rep_hours", args=[rep.pk])

    client.post(url, {"day_0": "9-12, 13:00 - 17:30", "day_6": "20:00-24:00"})
    wrong = client.post(url, {"day_0": "all day"})
    backwards = client.post(url, {"day_0": "12:00-9:00"})

    shifts = [(shift.weekday, str(shift.starts_at), str(shift.ends_at)) for shift in rep.shifts.all()]
    assert shifts == [(0, "09:00:00", "12:00:00"), (0, "13:00:00", "17:30:00"), (6, "20:00:00", "23:59:00")]
    assert wrong.status_code == backwards.status_code == 422
    assert "Write hours as 9:00-12:00, 13:00-17:00." in text_of(wrong.content.decode())


def test_switching_on_lets_the_waiting_room_look_again() -> None:
    rep = make_rep(is_accepting=False)
    make_rules(("All", ALWAYS, make_pool(rep)))
    lead = make_lead()
    route(lead)

    signed_in(rep.user).post(reverse("routing:rep_accepting", args=[rep.pk]), {"accepting": "on"})

    assert WaitingLead.objects.get(lead=lead).wake_at <= timezone.now()


def test_the_lead_panel_says_who_has_it_and_why() -> None:
    certificate = decided()
    owner = certificate.rep.user
    client = signed_in(owner)

    text = page(client, "routing:lead_panel", certificate.lead_id)
    client.post(reverse("routing:lead_accept", args=[certificate.lead_id]))

    assert str(owner) in text
    assert "Acknowledge" in text
    assert "See the decision" in text
    assert Assignment.objects.get(lead=certificate.lead_id).accepted_at is not None
    assert signed_in(make_user("sdr")).get(reverse("routing:lead_panel", args=[certificate.lead_id])).status_code == 404


def test_pages_take_the_same_number_of_queries_however_many_rows(
    admin: User, django_assert_max_num_queries: Any
) -> None:
    reps = [make_rep(make_user("sdr", team=make_team("dach"))) for _ in range(12)]
    pool = make_pool(*reps, team=make_team("dach"))
    off = make_pool(make_rep(is_accepting=False))
    make_rules(("Off", is_in("contact.country", "XX"), off), *((f"R{n}", ALWAYS, pool) for n in range(10)))
    for number in range(30):
        route(make_lead(contact=make_contact(country="XX" if number % 3 == 0 else "DE")))
    client = signed_in(admin)

    for name, args in (
        ("routing:overview", ()),
        ("routing:waiting_list", ()),
        ("routing:rep_list", ()),
        ("routing:pool_detail", (pool.slug,)),
        ("routing:certificate", (Certificate.objects.filter(pool=pool).first().pk,)),
    ):
        with django_assert_max_num_queries(15):
            assert client.get(reverse(name, args=args)).status_code == 200


def test_the_absence_of_a_rep_is_told(admin: User) -> None:
    rep = make_rep()
    at = timezone.now()
    Absence.objects.create(rep=rep, starts_at=at - timedelta(days=1), ends_at=at + timedelta(days=1))

    assert "away until" in page(signed_in(admin), "routing:rep_list")
