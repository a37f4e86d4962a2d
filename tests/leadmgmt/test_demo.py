"""The demo organisation: small here, but the whole story; and nothing is ever taken away from a real one."""

import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from leadmgmt.audit import CHECKS, run
from leadmgmt.demo import build
from leadmgmt.demo.organisation import BEING_BUILT
from leadmgmt.demo.people import COMPANY, EVERYBODY
from leadmgmt.demo.visitors import Crowd
from leads.models import Lead, LeadEvent, Organisation, User
from routing.models import Notification, SlaClock
from tests.factories import make_organisation, make_user

LEADS, DAYS = 40, 30
ROLES = {"sdr", "team_lead", "ae", "marketing", "manager", "admin"}


def demo(*words: str) -> str:
    out = StringIO()
    call_command("demo", *words, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def built(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A demo organisation, built once for all tests that only read it; returns its note."""
    folder = tmp_path_factory.mktemp("var")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.VAR_DIR", folder)
        try:
            build.empty()
            demo("--leads", str(LEADS), "--days", str(DAYS), "--seed", "5")
            yield folder / "demo.json"
        finally:
            build.empty()
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def note(built: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, object]]:
    """What the demo left behind; opens the database it was built in."""
    with django_db_blocker.unblock():
        yield json.loads(built.read_text())


def test_every_role_has_somebody_who_can_sign_in(note: dict[str, object]) -> None:
    accounts = note["accounts"]

    assert isinstance(accounts, dict)
    assert set(accounts) == ROLES
    for role, account in accounts.items():
        user = User.objects.get(email=account["email"])
        assert user.check_password(account["password"])
        assert user.groups.filter(name=role).exists()


def test_the_note_is_for_its_owner_only(built: Path, note: dict[str, object]) -> None:
    assert stat.S_IMODE(built.stat().st_mode) == 0o600
    assert str(note["api_key"]).startswith("lm_")


def test_the_key_captures(note: dict[str, object]) -> None:
    before = Lead.objects.count()

    answer = Client().post(
        "/api/v1/capture/",
        {"email": "nobody.yet@somewhere.example", "name": "Nobody Yet"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {note['api_key']}"},
    )

    assert answer.status_code == 202
    assert Lead.objects.count() >= before


def test_leads_went_their_ways(note: dict[str, object]) -> None:
    kinds = set(LeadEvent.objects.values_list("kind", flat=True))

    assert Lead.objects.count() >= LEADS * 0.9
    assert {"lead.captured", "lead.scored", "lead.assigned", "activity.logged", "answer.given"} <= kinds
    assert {"stage.mql", "stage.recycled", "stage.disqualified"} <= kinds
    assert Lead.objects.values("stage").distinct().count() >= 4


def test_it_happened_when_it_happened(note: dict[str, object]) -> None:
    now = timezone.now()
    events = LeadEvent.objects.order_by("at")

    assert now - timedelta(days=DAYS + 1) < events[0].at < now - timedelta(days=DAYS - 8)
    assert events.filter(at__gt=now).count() == 0
    backwards = [
        lead.pk for lead in Lead.objects.exclude(mql_at=None) if lead.mql_at and lead.mql_at < lead.first_seen_at
    ]
    assert backwards == []


def test_somebody_has_something_to_do_now(note: dict[str, object]) -> None:
    assert SlaClock.objects.filter(stopped_at=None, due_at__gt=timezone.now()).exists()
    assert Lead.objects.working().filter(owner__isnull=False).exists()


def test_nobody_is_written_to_about_the_past(note: dict[str, object]) -> None:
    assert (
        not Notification.objects.filter(status=Notification.Status.WAITING, way="email")
        .exclude(lead__contact__email="nobody.yet@somewhere.example")
        .exists()
    )


def test_nobody_real_is_in_it(note: dict[str, object]) -> None:
    addresses = [*User.objects.values_list("email", flat=True)]
    addresses += Lead.objects.exclude(contact__email="").values_list("contact__email", flat=True)

    assert [address for address in addresses if not address.endswith(".example")] == []


def test_the_database_is_sound(note: dict[str, object]) -> None:
    assert [breach for _, broken in run(CHECKS) for breach in broken] == []


def test_a_second_run_says_so_and_adds_nothing(note: dict[str, object]) -> None:
    before = (Lead.objects.count(), User.objects.count())

    said = demo()

    assert "nothing was added" in said
    assert (Lead.objects.count(), User.objects.count()) == before
    assert Organisation.objects.get().name == COMPANY
    assert User.objects.count() == len(EVERYBODY)


def test_a_real_organisation_is_left_alone(db: None, settings: object) -> None:
    make_organisation(name="Real GmbH")
    user = make_user("admin")

    said = demo()

    assert "nothing was added" in said
    assert list(User.objects.all()) == [user]
    assert build.is_built()


def test_people_without_an_organisation_are_left_alone(db: None) -> None:
    make_user("admin")

    assert build.is_built()
    assert not build.is_unfinished()


def test_an_unfinished_demo_is_known_by_its_name_only(db: None) -> None:
    make_organisation(name=BEING_BUILT)
    make_user("admin")

    assert build.is_unfinished()
    assert not build.is_built()


def test_the_same_seed_brings_the_same_people() -> None:
    end = timezone.now()
    first, second, other = (
        [one.visitor.email for one in Crowd(seed).arrivals(30, end - timedelta(days=9), end)] for seed in (3, 3, 4)
    )

    assert first == second
    assert first != other
