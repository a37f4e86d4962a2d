"""Promises run out to the second, once, and the right people hear of it."""

from datetime import UTC, datetime, time, timedelta

import pytest

from leads.models import Lead, LeadEvent
from routing.calendar import Calendar, Shift
from routing.models import Notification, SlaClock, SlaPolicy
from routing.services.promise import due_at
from routing.services.sla import breach_due, remind_due
from routing.services.touch import note_first_touch
from routing.services.withdraw import withdraw_first_touch
from tests.factories import make_clock, make_lead, make_policy, make_rep, make_team, make_user

TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
DUE = TEN + timedelta(minutes=15)
OFFICE = Calendar("Europe/Berlin", tuple(Shift(day, time(9), time(17)) for day in range(5)))


@pytest.mark.django_db
def test_a_promise_is_broken_once_at_its_time_and_owner_and_team_lead_are_told() -> None:
    team = make_team("dach")
    boss, rep = make_user("team_lead", team=team), make_rep(make_user("sdr", team=team))
    lead = make_lead(owner=rep.user, at=TEN)
    make_clock(lead)

    early = breach_due(DUE - timedelta(seconds=1))
    found = [breach_due(DUE + timedelta(seconds=1)), breach_due(DUE + timedelta(seconds=2))]

    assert (early, found) == (0, [1, 0])
    assert SlaClock.objects.get().breached_at == DUE
    event = LeadEvent.objects.get(kind="sla.breached")
    assert event.at == DUE
    told = Notification.objects.filter(kind="sla.breached")
    assert {(one.user, one.way) for one in told} == {
        (who, way) for who in (boss, rep.user) for way in ("in_app", "email")
    }


@pytest.mark.django_db
def test_a_kept_promise_is_not_broken_and_a_late_touch_is() -> None:
    kept, late = make_lead(owner=make_user(), at=TEN), make_lead(owner=make_user(), at=TEN)
    make_clock(kept)
    make_clock(late)

    note_first_touch(kept, DUE - timedelta(seconds=1), kept.owner)
    note_first_touch(late, DUE + timedelta(seconds=1), late.owner)

    assert breach_due(DUE + timedelta(hours=1)) == 0
    assert SlaClock.objects.get(lead=kept).breached_at is None
    assert SlaClock.objects.get(lead=late).breached_at == DUE


@pytest.mark.django_db
def test_a_lead_that_is_an_opportunity_by_now_breaks_no_promise() -> None:
    lead = make_lead(stage="opportunity", owner=make_user(), at=TEN)
    make_clock(lead)

    assert breach_due(DUE) == 0

    clock = SlaClock.objects.get()
    assert (clock.stopped_at, clock.breached_at, clock.stop_reason) == (DUE, None, "stage")
    assert not Notification.objects.exists()


@pytest.mark.django_db
def test_the_owner_is_reminded_once_five_minutes_before() -> None:
    rep = make_user()
    make_clock(make_lead(owner=rep, at=TEN))
    make_clock(make_lead(owner=rep, at=TEN), policy=make_policy(5))

    found = [remind_due(DUE - timedelta(minutes=minutes)) for minutes in (6, 5, 4)]

    assert found == [0, 1, 0]
    told = Notification.objects.get()
    assert (told.user, told.way, told.kind) == (rep, "in_app", "sla.soon")


@pytest.mark.django_db
def test_nobody_is_reminded_of_a_lead_that_is_an_opportunity_by_now() -> None:
    rep = make_user()
    waiting = make_lead(owner=rep, at=TEN, stage="mql")
    for lead in (waiting, make_lead(owner=rep, at=TEN, stage="opportunity")):
        make_clock(lead)

    assert remind_due(DUE - timedelta(minutes=4)) == 1
    assert Notification.objects.get().lead == waiting


@pytest.mark.django_db
def test_a_touch_that_was_taken_back_lets_the_promise_run_on() -> None:
    lead = make_lead(owner=make_user(), at=TEN)
    make_clock(lead)
    touched_at = TEN + timedelta(minutes=3)
    note_first_touch(lead, touched_at, lead.owner)

    assert withdraw_first_touch(lead, touched_at)

    clock = SlaClock.objects.get()
    assert (Lead.objects.get().first_touched_at, clock.stopped_at, clock.touched_at) == (None, None, None)
    assert breach_due(DUE) == 1


def policy(minutes: int, *, in_working_time: bool = True) -> SlaPolicy:
    return SlaPolicy(name="x", first_touch_minutes=minutes, in_working_time=in_working_time)


def test_a_promise_counts_working_time_or_around_the_clock() -> None:
    friday = datetime(2026, 1, 16, 15, 50, tzinfo=UTC)

    assert due_at(policy(30), friday, [OFFICE]) == datetime(2026, 1, 19, 8, 20, tzinfo=UTC)
    assert due_at(policy(30, in_working_time=False), friday, [OFFICE]) == friday + timedelta(minutes=30)
    assert due_at(policy(30), friday, []) == friday + timedelta(minutes=30)


def test_time_in_the_waiting_room_counts_in_the_pools_hours() -> None:
    early = Calendar("Europe/Berlin", tuple(Shift(day, time(6), time(14)) for day in range(5)))
    captured = datetime(2026, 1, 14, 7, 0, tzinfo=UTC)
    owned = datetime(2026, 1, 14, 7, 20, tzinfo=UTC)

    # Twenty minutes ran while the early team was there; the owner begins at nine o'clock in Berlin.
    assert due_at(policy(30), captured, [OFFICE], owned_at=owned, before=[early]) == datetime(
        2026, 1, 14, 8, 10, tzinfo=UTC
    )
    # All of it ran before anybody had the lead.
    assert due_at(policy(15), captured, [OFFICE], owned_at=owned, before=[early]) == datetime(
        2026, 1, 14, 7, 15, tzinfo=UTC
    )
