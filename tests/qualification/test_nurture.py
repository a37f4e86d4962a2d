"""Recycling, sleeping, waking up, and disqualifying."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from leadmgmt.core.clock import registered
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment
from leads import lifecycle
from leads.lifecycle import Cause, StageConflict
from leads.models import Lead, LeadEvent, Reason
from qualification.models import NurtureEnrolment
from qualification.services.disqualify import disqualify_lead
from qualification.services.nurture import begin_nurture, end_nurture, wake_due
from qualification.services.recycle import recycle_lead
from tests.factories import make_lead, make_reason, make_user

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reasons(db: None) -> None:
    make_reason("recycle", "bad-timing", wake_after_days=90)
    make_reason("recycle", "gone", wake_after_days=None)
    make_reason("recycle", "old", is_active=False)
    make_reason("disqualify", "no-need")


def last(lead: Lead, kind: str) -> LeadEvent:
    return lead.events.filter(kind=kind).latest("pk")


def asleep(**fields: Any) -> Lead:
    lead = make_lead(at=AT, stage="mql", **fields)
    lead = recycle_lead(lead.pk, "bad-timing", None, at=AT)
    begin_nurture(lead, last(lead, "stage.recycled"))
    return lead


def test_recycling_sets_reason_and_the_day_the_reason_says() -> None:
    ann = make_user("sdr")
    lead = make_lead(at=AT, stage="mql", owner=ann)

    recycle_lead(lead.pk, "bad-timing", ann, note=" in spring ", at=AT)

    lead.refresh_from_db()
    assert (lead.stage, lead.reason.code if lead.reason else "", lead.reason_note) == (
        "recycled",
        "bad-timing",
        "in spring",
    )
    assert lead.wake_at == datetime(2027, 2, 21, 7, 0, tzinfo=UTC)
    event = last(lead, "stage.recycled")
    assert (event.actor, event.at) == (ann, AT)
    assert datetime.fromisoformat(event.data.pop("wake_at")) == lead.wake_at
    assert event.data == {"from": "mql", "reason": "bad-timing", "note": "in spring"}


def test_a_day_of_ones_own_counts_and_none_means_until_they_stir() -> None:
    one, two = make_lead(at=AT), make_lead(at=AT)

    recycle_lead(one.pk, "bad-timing", None, wake_on=date(2027, 7, 1), at=AT)
    recycle_lead(two.pk, "gone", None, at=AT)

    one.refresh_from_db()
    two.refresh_from_db()
    # Eight o'clock here, also in summer time.
    assert one.wake_at == datetime(2027, 7, 1, 6, 0, tzinfo=UTC)
    assert two.wake_at is None


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"reason_code": "no-need"}, "reason"),
        ({"reason_code": "old"}, "reason"),
        ({"reason_code": "nonsense"}, "reason"),
        ({"reason_code": "bad-timing", "note": "x" * 501}, "note"),
        ({"reason_code": "bad-timing", "wake_on": date(2026, 11, 23)}, "wake_on"),
        ({"reason_code": "bad-timing", "wake_on": date(2096, 1, 1)}, "wake_on"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(arguments: dict[str, Any], field: str) -> None:
    lead = make_lead(at=AT)

    with pytest.raises(InvalidInput) as refused:
        recycle_lead(lead.pk, by=None, at=AT, **arguments)

    assert list(refused.value.fields) == [field]
    lead.refresh_from_db()
    assert lead.stage == "new"
    assert not lead.events.exists()


@pytest.mark.parametrize("stage", ["opportunity", "won", "disqualified"])
def test_only_leads_that_are_worked_are_recycled_by_hand(stage: str) -> None:
    lead = make_lead(stage=stage)

    with pytest.raises(StageConflict):
        recycle_lead(lead.pk, "bad-timing", None)


def test_disqualifying_needs_a_reason_of_its_kind() -> None:
    ann, lead = make_user("sdr"), make_lead(at=AT)

    with pytest.raises(InvalidInput):
        disqualify_lead(lead.pk, "bad-timing", ann, at=AT)
    disqualify_lead(lead.pk, "no-need", ann, note="has one", at=AT)

    lead.refresh_from_db()
    assert (lead.stage, lead.reason_note) == ("disqualified", "has one")
    assert last(lead, "stage.disqualified").data["reason"] == "no-need"
    won = make_lead(stage="won")
    with pytest.raises(StageConflict):
        disqualify_lead(won.pk, "no-need", ann)


def test_a_recycled_lead_sleeps_until_its_date_also_if_the_step_runs_twice() -> None:
    lead = asleep()
    begin_nurture(lead, last(lead, "stage.recycled"))

    enrolment = NurtureEnrolment.objects.get()
    assert (enrolment.lead, enrolment.reason.code, enrolment.starts_at, enrolment.wake_at, enrolment.ended_at) == (
        lead,
        "bad-timing",
        AT,
        lead.wake_at,
        None,
    )


def test_it_wakes_up_when_its_date_has_come_and_not_before() -> None:
    lead = asleep()
    assert lead.wake_at is not None

    assert wake_due(lead.wake_at - timedelta(seconds=1)) == 0
    assert wake_due(lead.wake_at) == 1
    assert wake_due(lead.wake_at) == 0

    lead.refresh_from_db()
    assert (lead.stage, lead.wake_at, lead.captured_at) == ("new", None, lead.stage_at)
    woken = last(lead, "lead.woken")
    assert (woken.actor_label, woken.data) == ("nurture", {"reason": "bad-timing"})
    event = last(lead, "stage.new")
    assert event.data["woken"] is True
    assert event.needs_step

    end_nurture(lead, event)
    end_nurture(lead, event)
    assert list(NurtureEnrolment.objects.values_list("end", "ended_at")) == [("woken", event.at)]


def test_who_comes_back_by_itself_or_is_fetched_is_told_apart() -> None:
    one, two, ann = asleep(), asleep(), make_user("sdr")

    lifecycle.reopen(one.pk, Cause(by="channel:demo", at=AT + timedelta(days=1)))
    end_nurture(one, last(one, "stage.new"))
    lifecycle.reopen(two.pk, Cause(actor=ann, at=AT + timedelta(days=1)))
    end_nurture(two, last(two, "stage.new"))

    assert dict(NurtureEnrolment.objects.values_list("lead", "end")) == {one.pk: "returned", two.pk: "stopped"}


def test_nurture_does_not_begin_for_a_lead_that_has_stirred_already() -> None:
    lead = make_lead(at=AT, stage="mql")
    recycle_lead(lead.pk, "bad-timing", None, at=AT)
    lifecycle.reopen(lead.pk, Cause(by="channel:demo", at=AT))
    lead.refresh_from_db()

    begin_nurture(lead, last(lead, "stage.recycled"))

    assert not NurtureEnrolment.objects.exists()


def test_a_lead_whose_person_is_back_with_another_is_let_sleep() -> None:
    lead = asleep()
    assert lead.wake_at is not None
    make_lead(contact=lead.contact, at=AT)

    assert wake_due(lead.wake_at) == 0

    wake_at = lead.wake_at
    lead.refresh_from_db()
    assert (lead.stage, lead.wake_at) == ("recycled", None)
    assert NurtureEnrolment.objects.get().end == "returned"
    assert wake_due(wake_at) == 0


def test_waking_up_is_work_of_the_clock() -> None:
    assert "qualification.wake_due" in {work.name for work in registered()}


def test_the_time_is_the_one_of_the_story() -> None:
    lead = make_lead(at=AT)

    with moment(AT):
        recycle_lead(lead.pk, "bad-timing", None)

    assert last(lead, "stage.recycled").at == AT


@pytest.mark.django_db(transaction=True)
def test_two_clocks_wake_a_lead_once() -> None:
    make_reason("recycle", "bad-timing", wake_after_days=90)
    lead = make_lead(at=AT, stage="mql")
    recycle_lead(lead.pk, "bad-timing", None, at=AT)
    later = timezone.now() + timedelta(days=200)
    woken: list[int] = []

    def wake() -> None:
        try:
            woken.append(wake_due(later))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=wake) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(woken) == [0, 0, 0, 0, 0, 1]
    assert lead.events.filter(kind="stage.new").count() == 1
    assert Reason.objects.exists()
