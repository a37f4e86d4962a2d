"""Pools, waiting room, reps and news: what they say, and to whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from leads.models import User
from routing.models import Absence, Assignment, Certificate, PoolMember, Rep, WaitingLead
from tests.factories import (
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
