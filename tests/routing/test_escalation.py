"""Before and after a promise runs out: acknowledging, telling the team lead, giving on; and why it broke."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from leadmgmt.core.now import moment
from leads.models import Lead, LeadEvent, Team, User
from routing.models import Notification, Rep, SlaClock
from routing.services.accept import accept_lead
from routing.services.assign import assign_lead
from routing.services.sla import acknowledge_due, breach_due, escalate_due, reassign_due
from routing.services.touch import note_first_touch
from routing.services.waiting import retry_waiting
from tests.factories import make_lead, make_policy, make_pool, make_rep, make_team, make_user
from tests.routing.things import ALWAYS, make_rules, route, shift

pytestmark = pytest.mark.django_db
# A Wednesday in winter, ten o'clock in Berlin.
TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def team() -> Team:
    return make_team("dach")


@pytest.fixture
def boss(team: Team) -> User:
    return make_user("team_lead", team=team)


def rep(team: Team, name: str, **fields: Any) -> Rep:
    return make_rep(make_user("sdr", first_name=name, last_name="X", team=team), **fields)


def routed(at: datetime = TEN) -> Lead:
    with moment(at):
        lead = make_lead(at=at)
        route(lead)
    return lead


def clock_of(lead: Lead) -> SlaClock:
    return SlaClock.objects.get(lead=lead)


def told(kind: str) -> set[str]:
    return {str(one.user) for one in Notification.objects.filter(kind=kind, way="in_app").select_related("user")}


def test_who_does_not_acknowledge_is_told_again_and_so_is_the_team_lead(team: Team, boss: User) -> None:
    make_policy(60, is_default=True, acknowledge_minutes=5)
    ann = rep(team, "Ann")
    make_rules(("All", ALWAYS, make_pool(ann, team=team)))
    lead, other = routed(), routed()
    accept_lead(other.pk, ann.user, TEN + MINUTE)

    assert acknowledge_due(TEN + 4 * MINUTE) == 0
    assert acknowledge_due(TEN + 6 * MINUTE) == 1
    assert acknowledge_due(TEN + 7 * MINUTE) == 0
    assert told("sla.unseen") == {"Ann X", str(boss)}
    assert clock_of(lead).ack_breached_at == TEN + 5 * MINUTE
    assert clock_of(other).ack_breached_at is None
    assert LeadEvent.objects.filter(kind="sla.unacknowledged", lead=lead).count() == 1


def test_a_lead_given_to_another_has_to_be_acknowledged_by_them(team: Team, boss: User) -> None:
    make_policy(60, is_default=True, acknowledge_minutes=5)
    ann, ben = rep(team, "Ann"), rep(team, "Ben")
    make_rules(("All", ALWAYS, make_pool(ann, team=team)))
    lead = routed()
    accept_lead(lead.pk, ann.user, TEN + MINUTE)
    assign_lead(lead.pk, ben.user, by=boss, at=TEN + 2 * MINUTE)
    assert clock_of(lead).ack_due_at == TEN + 7 * MINUTE
    assert acknowledge_due(TEN + 8 * MINUTE) == 1
    assert told("sla.unseen") == {"Ben X", str(boss)}


def test_the_team_lead_is_told_while_something_can_still_be_done(team: Team, boss: User) -> None:
    make_policy(60, is_default=True, escalate_minutes=20)
    make_rules(("All", ALWAYS, make_pool(rep(team, "Ann"), team=team)))
    make_user("team_lead", team=make_team("other"))
    lead = routed()

    assert escalate_due(TEN + 39 * MINUTE) == 0
    assert escalate_due(TEN + 41 * MINUTE) == 1
    assert escalate_due(TEN + 42 * MINUTE) == 0
    assert told("sla.escalated") == {str(boss)}
    assert clock_of(lead).escalated_at == TEN + 41 * MINUTE


def test_an_untouched_lead_goes_to_somebody_else_who_works_and_to_nobody_twice(team: Team, boss: User) -> None:
    make_policy(30, is_default=True, reassign_minutes=10)
    ann, ben, cem = rep(team, "Ann"), rep(team, "Ben"), rep(team, "Cem")
    make_rules(("All", ALWAYS, make_pool(ann, ben, cem, team=team)))
    lead = routed()
    had = [lead.owner]
    breach_due(TEN + 30 * MINUTE)
    assert reassign_due(TEN + 35 * MINUTE) == 0

    with moment(TEN + 41 * MINUTE):
        assert reassign_due(TEN + 41 * MINUTE) == 1
        assert reassign_due(TEN + 42 * MINUTE) == 0
    had.append(Lead.objects.get(pk=lead.pk).owner)
    with moment(TEN + 52 * MINUTE):
        assert reassign_due(TEN + 52 * MINUTE) == 1
    had.append(Lead.objects.get(pk=lead.pk).owner)
    with moment(TEN + 3 * HOUR):
        # It has been given on twice: enough.
        assert reassign_due(TEN + 3 * HOUR) == 0

    assert len(set(had)) == 3
    assert [one.end_reason for one in lead.assignments.order_by("starts_at")] == ["overdue", "overdue", ""]
    assert told("sla.taken") == {str(one) for one in had[:2]}
    assert clock_of(lead).reassigned == 2
    assert clock_of(lead).breached_at == TEN + 30 * MINUTE


def test_with_nobody_else_at_work_the_lead_stays_where_it_is(team: Team, boss: User) -> None:
    make_policy(30, is_default=True, reassign_minutes=10, in_working_time=False)
    ann, late = rep(team, "Ann"), rep(team, "Late", always=False)
    shift(late, 2, "16:00", "20:00")
    make_rules(("All", ALWAYS, make_pool(ann, late, team=team)))
    lead = routed()
    breach_due(TEN + 30 * MINUTE)
    with moment(TEN + HOUR):
        assert reassign_due(TEN + HOUR) == 0
    assert Lead.objects.get(pk=lead.pk).owner == ann.user
    assert lead.assignments.filter(ends_at__isnull=True).count() == 1
    with moment(TEN + 7 * HOUR):
        assert reassign_due(TEN + 7 * HOUR) == 1
    assert Lead.objects.get(pk=lead.pk).owner == late.user


def test_a_touch_ends_all_of_it(team: Team, boss: User) -> None:
    make_policy(30, is_default=True, acknowledge_minutes=5, escalate_minutes=10, reassign_minutes=10)
    ann = rep(team, "Ann")
    make_rules(("All", ALWAYS, make_pool(ann, rep(team, "Ben"), team=team)))
    lead = routed()
    note_first_touch(lead, TEN + 3 * MINUTE, lead.owner)
    for work in (acknowledge_due, escalate_due, breach_due, reassign_due):
        assert work(TEN + 2 * HOUR) == 0


def broken(lead: Lead, at: datetime) -> str:
    assert breach_due(at) == 1
    return clock_of(lead).cause


def test_a_rep_who_did_not_see_it_and_one_who_did(team: Team) -> None:
    make_policy(60, is_default=True)
    ann = rep(team, "Ann")
    make_rules(("All", ALWAYS, make_pool(ann, team=team)))
    lead = routed()
    assert broken(lead, TEN + 2 * HOUR) == "unseen"
    second = routed(TEN + 3 * HOUR)
    accept_lead(second.pk, ann.user, TEN + 3 * HOUR + MINUTE)
    assert broken(second, TEN + 5 * HOUR) == "idle"


def test_nobody_at_work_everybody_at_the_cap_and_a_queue(team: Team) -> None:
    make_policy(60, is_default=True, in_working_time=False)
    night = rep(team, "Night", always=False)
    shift(night, 2, "22:00", "23:00")
    make_rules(("All", ALWAYS, make_pool(night, team=team)))
    assert broken(routed(), TEN + 2 * HOUR) == "no_shift"


def test_everybody_at_the_cap(team: Team) -> None:
    make_policy(60, is_default=True)
    make_rules(("All", ALWAYS, make_pool(rep(team, "Full", max_open_leads=0), team=team)))
    assert broken(routed(), TEN + 2 * HOUR) == "caps"


def test_a_queue_that_nobody_takes_from(team: Team) -> None:
    make_policy(60, is_default=True)
    make_rules(("All", ALWAYS, make_pool(rep(team, "Ann"), team=team, strategy="claim")))
    assert broken(routed(), TEN + 2 * HOUR) == "queue"


def test_a_lead_that_was_given_late_broke_because_it_had_to_wait(team: Team) -> None:
    make_policy(60, is_default=True, in_working_time=False)
    late = rep(team, "Late", always=False)
    shift(late, 2, "10:50", "20:00")
    make_rules(("All", ALWAYS, make_pool(late, team=team)))
    lead = routed()
    with moment(TEN + 51 * MINUTE):
        retry_waiting(TEN + 51 * MINUTE)
    assert Lead.objects.get(pk=lead.pk).owner == late.user
    assert broken(lead, TEN + 2 * HOUR) == "no_shift"


def test_a_late_touch_has_its_cause_too_and_both_segments_are_kept(team: Team) -> None:
    make_policy(30, is_default=True, in_working_time=True)
    ann = rep(team, "Ann", always=False)
    shift(ann, 2, "08:00", "12:00")
    make_rules(("All", ALWAYS, make_pool(ann, team=team)))
    lead = routed()
    # At noon the shift ends: two hours have counted of the owner's time, none of nobody's.
    note_first_touch(lead, TEN + 5 * HOUR, lead.owner)
    clock = clock_of(lead)
    assert (clock.cause, clock.unowned_seconds, clock.owned_seconds) == ("unseen", 0, 7200)


def test_the_speed_report_says_why_and_leads_to_the_leads(client: Client, team: Team) -> None:
    make_policy(60, is_default=True)
    make_rules(("All", ALWAYS, make_pool(rep(team, "Ann"), team=team)))
    lead = routed()
    breach_due(TEN + 2 * HOUR)
    client.force_login(make_user("manager"))
    page = client.get("/reports/speed/?period=all").content.decode()
    assert "Why promises broke" in page
    assert "Its rep did not see it" in page
    assert "broke=unseen" in page
    shown = client.get("/leads/?broke=unseen").content.decode()
    assert f"/leads/{lead.pk}/" in shown
    assert "Its rep did not see it" in shown


def test_the_speed_report_tells_each_step_of_the_first_minute(client: Client, team: Team) -> None:
    make_policy(60, is_default=True)
    make_rules(("All", ALWAYS, make_pool(rep(team, "Ann"), team=team)))
    for seconds in (1, 2, 90):
        lead = routed()
        Lead.objects.filter(pk=lead.pk).update(
            enriched_at=TEN + timedelta(seconds=seconds),
            scored_at=TEN + timedelta(seconds=seconds),
            routed_at=TEN + timedelta(seconds=seconds + 1),
            notified_at=TEN + timedelta(seconds=seconds + 1),
        )
    client.force_login(make_user("manager"))
    found = client.get("/api/v1/reports/speed/?period=all").json()["steps"]
    by_name = {row["name"]: row for row in found}
    assert list(by_name) == ["enrich", "score", "route", "notify", "whole"]
    whole = by_name["whole"]
    assert (whole["count"], whole["p50"], whole["p99"], whole["within_minute"]) == (3, 3.0, 91.0, 2)
    assert by_name["score"]["p99"] == 0
    assert "The first minute, step by step" in client.get("/reports/speed/?period=all").content.decode()
