"""People and pools are added on pages of their own."""

from datetime import time
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse

from leads.models import User
from routing.models import Pool, PoolMember, Rep
from tests.factories import make_organisation, make_pool, make_rep, make_team, make_user
from tests.routing.things import page, signed_in
from tests.worker import drain

pytestmark = pytest.mark.django_db
FORM: dict[str, Any] = {
    "email": "zoe@ours.example", "first_name": "Zoe", "last_name": "Abel", "roles": ["sdr"], "receives": "on",
    "starts_at": "08:30", "ends_at": "16:00",
}  # fmt: skip


def test_somebody_is_there_with_hours_a_share_and_a_link() -> None:
    make_organisation(time_zone="Europe/Vienna")
    team, pool = make_team("dach"), make_pool()
    client = signed_in(make_user("admin"))

    client.post(reverse("person_new"), FORM | {"team": team.pk, "pool": pool.pk})
    drain()

    user = User.objects.get(email="zoe@ours.example")
    assert (user.team, user.time_zone, user.has_usable_password(), user.is_staff) == (
        team,
        "Europe/Vienna",
        False,
        False,
    )
    shifts = Rep.objects.get(user=user).shifts.order_by("weekday")
    assert [(one.weekday, one.starts_at, one.ends_at) for one in shifts] == [
        (day, time(8, 30), time(16)) for day in range(5)
    ]
    assert PoolMember.objects.get(pool=pool).rep.user == user
    assert mail.outbox[0].to == ["zoe@ours.example"]


def test_who_is_there_already_gets_what_is_new_and_no_second_account() -> None:
    user = make_user("ae", email="zoe@ours.example", first_name="Zoë")
    client = signed_in(make_user("admin"))

    client.post(reverse("person_new"), FORM | {"email": "ZOE@ours.example"})
    drain()

    user.refresh_from_db()
    assert sorted(user.groups.values_list("name", flat=True)) == ["ae", "sdr"]
    assert (user.first_name, Rep.objects.get().user, mail.outbox) == ("Zoë", user, [])


def test_an_admin_may_use_the_admin_and_who_takes_no_leads_has_no_hours() -> None:
    client = signed_in(make_user("admin"))
    said = {name: value for name, value in FORM.items() if name != "receives"} | {"roles": ["admin", "manager"]}
    answer = client.post(reverse("person_new"), said | {"more": "1"})
    assert answer["Location"] == reverse("person_new")
    user = User.objects.get(email="zoe@ours.example")
    assert (user.is_staff, Rep.objects.exists()) == (True, False)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"ends_at": "08:00"}, "ends_at"),
        ({"starts_at": ""}, "starts_at"),
        ({"email": "zoe"}, "email"),
        ({"roles": []}, "roles"),
    ],
)
def test_what_is_missing_is_said_beside_the_field(more: dict[str, Any], wrong: str) -> None:
    answer = signed_in(make_user("admin")).post(reverse("person_new"), FORM | more)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [wrong])
    assert not User.objects.filter(email="zoe@ours.example").exists()


def test_who_was_switched_off_is_not_let_in_by_a_form() -> None:
    make_user("sdr", email="zoe@ours.example", is_active=False)
    answer = signed_in(make_user("admin")).post(reverse("person_new"), FORM)
    assert (answer.status_code, "email" in answer.context["form"].errors) == (422, True)


def test_a_pool_is_made_with_its_reps() -> None:
    first, second = make_rep(), make_rep()
    client = signed_in(make_user("admin"))
    answer = client.post(reverse("routing:pool_new"), {"name": "Inbound DACH", "reps": [first.pk, second.pk]})
    pool = Pool.objects.get(slug="inbound-dach")
    assert answer["Location"] == reverse("routing:pool_detail", args=["inbound-dach"])
    assert {one.rep for one in pool.members.all()} == {first, second}
    twice = client.post(reverse("routing:pool_new"), {"name": "inbound dach"})
    assert (twice.status_code, list(twice.context["form"].errors)) == (422, ["name"])


@pytest.mark.parametrize("name", ["person_new", "routing:pool_new"])
def test_only_admins(name: str) -> None:
    for role in ("sdr", "manager", "team_lead", "marketing"):
        assert signed_in(make_user(role)).get(reverse(name)).status_code == 403
    assert "Add a person" not in page(signed_in(make_user("sdr")), "routing:rep_list")
    assert "Add a person" in page(signed_in(make_user("admin")), "routing:rep_list")
