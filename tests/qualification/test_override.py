"""Moving a lead on without the criteria: who may, with a reason that stays."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from leadmgmt.core.errors import InvalidInput, NotPermitted
from leads.lifecycle import StageConflict
from leads.models import Lead, User
from qualification.services.override import move_on
from tests.factories import make_lead, make_team, make_user
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db


def test_an_override_is_kept_with_its_reason() -> None:
    boss, lead = make_user("team_lead"), make_lead()

    move_on(lead.pk, "sql", by=boss, reason=" Knows us from before ")

    lead.refresh_from_db()
    assert lead.stage == "sql"
    for kind in ("stage.mql", "stage.sql"):
        event = lead.events.get(kind=kind)
        assert (event.actor, event.data["override"], event.data["note"]) == (boss, True, "Knows us from before")


@pytest.mark.parametrize(
    ("stage", "target", "error"),
    [("new", "opportunity", InvalidInput), ("sql", "sql", StageConflict), ("recycled", "mql", StageConflict)],
)
def test_only_ahead_and_only_as_far_as_an_sql(stage: str, target: str, error: type[Exception]) -> None:
    lead = make_lead(stage=stage)

    with pytest.raises(error):
        move_on(lead.pk, target, by=make_user("admin"), reason="Because")


def test_without_a_reason_or_the_right_nothing_moves() -> None:
    lead = make_lead()

    with pytest.raises(InvalidInput):
        move_on(lead.pk, "mql", by=make_user("admin"), reason="  ")
    with pytest.raises(NotPermitted):
        move_on(lead.pk, "mql", by=make_user("sdr"), reason="Because")

    lead.refresh_from_db()
    assert lead.stage == "new"


def test_the_right_can_be_given() -> None:
    sdr, lead = make_user("sdr"), make_lead()
    sdr.user_permissions.add(Permission.objects.get(codename="override_criteria"))

    move_on(lead.pk, "mql", by=User.objects.get(pk=sdr.pk), reason="Because")

    assert Lead.objects.get(pk=lead.pk).stage == "mql"
    # By a group as well, and on the page.
    manager = make_user("sdr", team=make_team("dach"))
    group = Group.objects.get_or_create(name="manager")[0]
    group.permissions.add(Permission.objects.get(codename="override_criteria"))
    manager.groups.add(group)
    mine = make_lead(owner=manager)
    assert "Move on without the criteria" in page(signed_in(manager), "qualification:lead_detail", mine.pk)


class TestPage:
    def test_the_menu_offers_it_to_who_may(self) -> None:
        team = make_team("dach")
        boss, sdr = make_user("team_lead", team=team), make_user("sdr", team=team)
        lead = make_lead(owner=sdr)

        assert "Move on without the criteria" in page(signed_in(boss), "qualification:lead_detail", lead.pk)
        assert "Move on without the criteria" not in page(signed_in(sdr), "qualification:lead_detail", lead.pk)
        closed = make_lead(owner=sdr, stage="sql")
        assert "Move on without the criteria" not in page(signed_in(boss), "qualification:lead_detail", closed.pk)

    def test_it_is_done_on_the_page(self) -> None:
        boss = make_user("team_lead", team=make_team("dach"))
        lead = make_lead(owner=make_user("sdr", team=boss.team))
        client, url = signed_in(boss), reverse("qualification:lead_move_on", args=[lead.pk])

        refused = client.post(url, {"stage": "mql", "reason": ""})
        assert refused.status_code == 422
        assert "Say why." in refused.content.decode()
        client.post(url, {"stage": "mql", "reason": "Asked for by the board"})

        assert Lead.objects.get(pk=lead.pk).stage == "mql"
        assert "Asked for by the board" in page(client, "qualification:lead_detail", lead.pk)

    def test_who_may_not_is_told(self) -> None:
        sdr = make_user("sdr", team=make_team("dach"))
        lead = make_lead(owner=sdr)

        url = reverse("qualification:lead_move_on", args=[lead.pk])
        answer = signed_in(sdr).post(url, {"stage": "mql", "reason": "Because"})

        assert answer.status_code in (302, 403)
        assert Lead.objects.get(pk=lead.pk).stage == "new"
