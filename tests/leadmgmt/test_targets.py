"""Targets: set by managers, measured by team, told in time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from crmsync.models import Handoff, Opportunity
from leadmgmt.core.now import moment
from leadmgmt.reports.targets import TeamAims, month_of, targets
from leads.events import record_event
from leads.models import Change, Lead, Target, Team
from tests.factories import (
    make_clock,
    make_lead,
    make_organisation,
    make_policy,
    make_reason,
    make_team,
    make_user,
)
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db
# A tenth of November has passed.
NOW = datetime(2026, 11, 3, 23, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def third() -> Any:
    make_organisation()
    with moment(NOW):
        yield


def lead(team: Team | None, *, minutes: float | None, hours_ago: float = 40, **fields: Any) -> Lead:
    """A lead of this month with a promise of 15 minutes."""
    at = NOW - timedelta(hours=hours_ago)
    touched = at + timedelta(minutes=minutes) if minutes is not None else None
    made = make_lead(at=at, team=team, first_touched_at=touched, **fields)
    make_clock(made, due_at=at + timedelta(minutes=15), policy=make_policy(15), touched_at=touched, stopped_at=touched)
    return made


def aims(team: Team | None, **values: Any) -> dict[str, Any]:
    for measure, value in values.items():
        Target.objects.create(team=team, measure=measure, value=Decimal(value))
    found: list[TeamAims] = targets(make_user("manager"), NOW)
    return {aim.measure: aim for one in found if one.team == team for aim in one.aims}


def test_each_measure_counts_what_it_says() -> None:
    team, other = make_team("dach"), make_team("uk")
    for minutes in (5, 10, 20, None):
        lead(team, minutes=minutes)
    lead(team, minutes=None, hours_ago=3)
    sql = lead(other, minutes=1)
    record_event(sql, "stage.sql", at=NOW - timedelta(hours=2), quiet=True)
    old = lead(other, minutes=2, hours_ago=24 * 40)
    record_event(old, "stage.sql", at=NOW - timedelta(days=20), quiet=True)
    deal = Opportunity.objects.create(
        lead=old, name="x", stage="won", amount=5000, created_at=NOW, closed_at=NOW - timedelta(hours=1)
    )
    for status in ("accepted", "accepted", "refused"):
        Handoff.objects.create(
            opportunity=deal,
            ae=make_user("ae"),
            status=status,
            offered_at=NOW,
            due_at=NOW,
            decided_at=NOW - timedelta(hours=1),
            reason=make_reason("refuse", code="not-ready") if status == "refused" else None,
        )

    of_team = aims(team, kept=80, contacted=95, first_touch=15, sqls=10)
    of_other = aims(other, sqls=10, revenue=20_000, accepted=80, kept=90)
    of_all = aims(None, contacted=50, kept=50)

    # Two of five in time; one of them still has its day to be called.
    assert of_team["kept"].value == 40
    assert (of_team["contacted"].value, of_team["contacted"].counted) == (75, 4)
    assert of_team["first_touch"].value == 20
    assert (of_team["sqls"].value, of_team["sqls"].due, of_team["sqls"].state) == (0, 1, "behind")
    assert (of_other["sqls"].value, of_other["sqls"].state) == (1, "near")
    assert (of_other["revenue"].value, of_other["revenue"].due, of_other["revenue"].state) == (5000, 2000, "near")
    assert round(of_other["accepted"].value) == 67
    assert of_other["kept"].state == "reached"
    assert (of_all["contacted"].value, of_all["kept"].value) == (80, 50)


@pytest.mark.parametrize(
    ("measure", "target", "state"),
    [
        ("first_touch", 20, "reached"), ("first_touch", 18.5, "near"), ("first_touch", 10, "behind"),
        ("kept", 40, "reached"), ("kept", 44, "near"), ("kept", 60, "behind"), ("accepted", 50, ""),
    ],
)  # fmt: skip
def test_what_is_near_is_told_from_what_is_behind(measure: str, target: float, state: str) -> None:
    team = make_team("dach")
    for minutes in (5, 10, 20, 30, None):
        lead(team, minutes=minutes)

    assert aims(team, **{measure: target})[measure].state == state


def test_a_target_that_the_month_has_reached_is_reached_whatever_is_due() -> None:
    team = make_team("dach")
    for _lead in range(2):
        record_event(lead(team, minutes=1), "stage.sql", at=NOW - timedelta(hours=1), quiet=True)

    aim = aims(team, sqls=2)["sqls"]

    assert (aim.state, aim.part) == ("reached", 1.0)


def test_a_month_has_its_days() -> None:
    assert [str(day) for day in month_of(NOW.date())] == ["2026-11-01", "2026-12-01"]
    assert [str(day) for day in month_of(datetime(2027, 1, 31).date())] == ["2027-01-01", "2027-02-01"]


def test_the_count_opens_the_leads() -> None:
    team = make_team("dach")
    record_event(lead(team, minutes=1), "stage.sql", at=NOW - timedelta(hours=1), quiet=True)
    aim, manager = aims(team, sqls=2)["sqls"], signed_in(make_user("manager"))

    answer = manager.get(aim.url)

    assert answer.context["page"].paginator.count == 1


def test_who_sees_which() -> None:
    team, other = make_team("dach"), make_team("uk")
    for one in (team, other, None):
        Target.objects.create(team=one, measure="kept", value=80)

    assert [one.team for one in targets(make_user("team_lead", team=team), NOW)] == [team]
    assert [one.team for one in targets(make_user("manager"), NOW)] == [None, team, other]
    assert targets(make_user("team_lead"), NOW) == []


class TestThePage:
    def test_targets_are_set_changed_and_taken_away(self) -> None:
        team, manager = make_team("dach"), make_user("manager")
        Target.objects.create(team=None, measure="sqls", value=40)
        client = signed_in(manager)
        assert 'value="40"' in client.get(reverse("reports:targets")).content.decode()

        client.post(reverse("reports:targets"), {f"{team.pk}-kept": "92.5", "all-contacted": "95", "all-sqls": ""})

        rows = {(row.team, row.measure): row.value for row in Target.objects.select_related("team")}
        assert rows == {(team, "kept"): Decimal("92.5"), (None, "contacted"): Decimal(95)}
        assert Change.objects.filter(source="leads_target", actor=manager).count() == 3

    def test_what_cannot_be_is_said_beside_the_field(self) -> None:
        client = signed_in(make_user("admin"))
        answer = client.post(reverse("reports:targets"), {"all-kept": "120", "all-sqls": "many"})
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {"all-kept", "all-sqls"}
        assert not Target.objects.exists()

    def test_the_morning_page_shows_them(self) -> None:
        team = make_team("dach")
        for minutes in (5, 10, 20, None):
            lead(team, minutes=minutes)
        Target.objects.create(team=team, measure="kept", value=80)
        Target.objects.create(team=team, measure="sqls", value=30)

        text = page(signed_in(make_user("manager")), "reports:morning")

        assert "Targets of this month" in text
        assert "Promises kept 50 % of 80 % behind" in text.replace(" ", " ")
        assert "SQLs 0 of 30, 3 by now behind" in text
        assert "Set targets" not in text

    @pytest.mark.parametrize("role", ["sdr", "ae", "marketing", "team_lead"])
    def test_only_managers_and_admins_set_them(self, role: str) -> None:
        assert signed_in(make_user(role)).get(reverse("reports:targets")).status_code == 403

    def test_nobody_is_asked_for_targets_who_cannot_set_them(self) -> None:
        assert "Set targets for the month" in page(signed_in(make_user("manager")), "reports:morning")
        assert "Set targets" not in page(signed_in(make_user("marketing")), "reports:morning")


@pytest.mark.parametrize("fields", [{"measure": "kept", "value": 101}, {"measure": "sqls", "value": -1}])
def test_the_database_refuses_what_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Target.objects.create(**fields)


def test_there_is_one_target_of_a_kind() -> None:
    Target.objects.create(measure="kept", value=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Target.objects.create(measure="kept", value=2)
