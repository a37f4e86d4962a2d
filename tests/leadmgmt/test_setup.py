"""Where each role begins, and the guided configuration."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from crmsync.models import Connection, StageMap
from leadmgmt.defaults import install_defaults
from leads.models import LeadEvent
from qualification.models import OutgoingMail, PredictionModel
from routing.models import Notification, Rule
from tests.factories import make_channel, make_lead, make_organisation, make_pool, make_rep, make_user
from tests.qualification.desk_cast import as_user
from tests.world import build_world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        (("sdr",), "/queue/"),
        (("ae",), "/handoffs/"),
        (("manager",), "/reports/morning/"),
        (("marketing",), "/reports/funnel/"),
        (("team_lead",), "/reports/morning/"),
        (("admin",), "/setup/"),
        (("sdr", "admin"), "/queue/"),
    ],
)
def test_each_role_begins_where_its_work_is(roles: tuple[str, ...], home: str) -> None:
    assert as_user(make_user(*roles)).get("/").url == home  # type: ignore[attr-defined]


def test_every_home_opens() -> None:
    for role in ("sdr", "ae", "manager", "marketing", "team_lead", "admin"):
        assert as_user(make_user(role)).get("/", follow=True).status_code == 200


def test_a_stranger_goes_to_the_door_and_only_admins_configure() -> None:
    assert Client().get("/").status_code == 302
    assert as_user(make_user("manager")).get("/setup/").status_code == 403
    assert as_user(make_user("admin")).get("/setup/").status_code == 200


def states(client: Client) -> dict[str, str]:
    """How each step stands."""
    page = client.get("/setup/").content.decode()
    return {key: state for state, key in re.findall(r'class="step step--(\w+)" href="\?step=(\w+)"', page)}


def test_an_empty_installation_says_what_is_missing() -> None:
    found = states(as_user(make_user("admin")))

    assert found["organisation"] == "open"
    assert found["routing"] == "mend"
    assert "done" not in (found["people"], found["sources"], found["first_lead"])


def test_the_steps_follow_the_data() -> None:
    build_world()
    admin = as_user(make_user("admin"))

    found = states(admin)
    assert (found["organisation"], found["people"], found["channels"]) == ("done", "done", "done")
    assert (found["scoring"], found["criteria"], found["crm"]) == ("done", "done", "done")

    Connection.objects.update(last_error="401 from the CRM")
    assert states(admin)["crm"] == "mend"
    assert "401 from the CRM" in admin.get("/setup/?step=crm").content.decode()


def test_what_is_broken_is_named() -> None:
    world = build_world()
    admin = as_user(make_user("admin"))
    make_rep(make_user("sdr", first_name="Nora", last_name="Nacht"), always=False)
    make_channel("landing-page")
    gone = make_pool(make_rep(), name="Gone")
    gone.members.update(left_at=timezone.now())
    Rule.objects.create(rule_set=world.rule_set, position=2, name="Nobody", destination="pool", pool=gone)
    Rule.objects.create(rule_set=world.rule_set, position=3, name="At rest", destination="waiting", is_active=False)
    StageMap.objects.all().delete()

    assert "No hours: Nora Nacht" in admin.get("/setup/?step=people").content.decode()
    assert "No key opens: landing-page" in admin.get("/setup/?step=channels").content.decode()
    routing = admin.get("/setup/?step=routing").content.decode()
    assert "Nobody in the pool of: Nobody<" in routing
    assert "Version 1, rules: 2" in routing
    assert "no first stage for new deals" in admin.get("/setup/?step=crm").content.decode()


def test_what_was_given_up_shows_in_the_health() -> None:
    make_organisation()
    install_defaults()
    admin = as_user(make_user("admin"))
    assert "no step was given up" in admin.get("/setup/").content.decode()

    lead = make_lead()
    LeadEvent.objects.create(
        lead=lead, kind="lead.scored", at=lead.captured_at, recorded_at=lead.captured_at, parked_at=lead.captured_at
    )
    Notification.objects.create(
        user=make_user("sdr"), occasion="x", way="email", kind="x", status="failed", created_at=lead.captured_at
    )

    PredictionModel.objects.create(
        version=1, status="published", trained_at=lead.captured_at, horizon_days=30, examples=1, wins=1, body={},
        drift={"alarms": 1},
    )  # fmt: skip
    OutgoingMail.objects.create(
        lead=lead, by=make_user("sdr"), to="a@b.example", subject="x", body="x", message_id="x", status="unsure",
        written_at=lead.captured_at,
    )  # fmt: skip

    page = admin.get("/setup/?step=mail").content.decode()
    assert "Leads or wins are no longer those it learned from." in page
    assert "E-mails to leads that did not go out, or nobody knows: 1" in page
    assert "Steps given up: 1" in page
    assert "Mails given up: 1" in page
