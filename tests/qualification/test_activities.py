"""Logging, taking back, snoozing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from leadmgmt.core.errors import InvalidInput
from leads.models import Lead, LeadEvent
from qualification.models import Activity, Answer, Question
from qualification.services.activities import UndoTooLate, log_activity, undo_activity
from qualification.services.answers import give_answer
from qualification.services.snooze import NotWorking, resume_lead, snooze_lead
from qualification.services.tags import marked_answers
from routing.models import SlaClock
from tests.factories import make_clock, make_lead
from tests.qualification.desk_cast import Cast, as_user, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def lead(cast: Cast) -> Lead:
    lead = make_lead(owner=cast.ann, stage="mql", at=timezone.now() - timedelta(minutes=5))
    make_clock(lead)
    return lead


def kinds(lead: Lead) -> list[str]:
    return list(LeadEvent.objects.filter(lead=lead).order_by("pk").values_list("kind", flat=True))


def test_a_call_keeps_the_promise_and_stops_its_clock(cast: Cast, lead: Lead) -> None:
    at = timezone.now()

    activity = log_activity(lead.pk, "call", by=cast.ann, disposition="voicemail", body="Hello", at=at)

    lead.refresh_from_db()
    clock = SlaClock.objects.get(lead=lead)
    assert (activity.kind, activity.disposition, activity.body, activity.by) == ("call", "voicemail", "Hello", cast.ann)
    assert (lead.first_touched_at, lead.last_activity_at) == (at, at)
    assert (clock.touched_at, clock.stopped_at, clock.breached_at) == (at, at, None)
    assert kinds(lead) == ["activity.logged"]


def test_a_note_is_no_touch(cast: Cast, lead: Lead) -> None:
    log_activity(lead.pk, "note", by=cast.ann, body="Looks promising")

    lead.refresh_from_db()
    assert (lead.first_touched_at, lead.last_activity_at) == (None, None)
    assert SlaClock.objects.get(lead=lead).stopped_at is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": "call", "disposition": "sent"}, "disposition"),
        ({"kind": "call", "disposition": "call_back"}, "due_at"),
        ({"kind": "note", "body": "  "}, "body"),
        ({"kind": "fax"}, "kind"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_is_written(
    cast: Cast, lead: Lead, fields: dict[str, str], wrong: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        log_activity(lead.pk, by=cast.ann, **fields)

    assert list(refusal.value.fields) == [wrong]
    assert not Activity.objects.exists()
    assert kinds(lead) == []


def test_an_activity_taken_back_starts_the_clock_again(cast: Cast, lead: Lead) -> None:
    at = timezone.now()
    activity = log_activity(lead.pk, "call", by=cast.ann, at=at)

    undo_activity(activity.pk, by=cast.ann, at=at + timedelta(minutes=9))
    undo_activity(activity.pk, by=cast.ann, at=at + timedelta(minutes=9))

    lead.refresh_from_db()
    clock = SlaClock.objects.get(lead=lead)
    assert (lead.first_touched_at, lead.last_activity_at) == (None, None)
    assert (clock.touched_at, clock.stopped_at, clock.stop_reason) == (None, None, "")
    assert kinds(lead) == ["activity.logged", "activity.undone"]


def test_of_two_touches_the_second_becomes_the_first_when_the_first_is_taken_back(cast: Cast, lead: Lead) -> None:
    at = timezone.now()
    first = log_activity(lead.pk, "call", by=cast.ann, at=at)
    second = log_activity(lead.pk, "email", by=cast.ann, at=at + timedelta(minutes=2))

    undo_activity(first.pk, by=cast.ann, at=at + timedelta(minutes=3))

    lead.refresh_from_db()
    assert (lead.first_touched_at, lead.last_activity_at) == (second.at, second.at)
    assert SlaClock.objects.get(lead=lead).touched_at == second.at


def test_after_ten_minutes_or_for_somebody_else_it_stays(cast: Cast, lead: Lead) -> None:
    activity = log_activity(lead.pk, "call", by=cast.ann)

    with pytest.raises(UndoTooLate):
        undo_activity(activity.pk, by=cast.ann, at=activity.at + timedelta(minutes=11))
    with pytest.raises(UndoTooLate):
        undo_activity(activity.pk, by=cast.lea, at=activity.at)

    activity.refresh_from_db()
    assert activity.undone_at is None


def test_the_page_logs_a_call_back_and_offers_the_way_back(cast: Cast, lead: Lead) -> None:
    due = timezone.localtime(timezone.now() + timedelta(hours=3))
    sent = {"kind": "call", "disposition": "call_back", "due_at": f"{due:%Y-%m-%dT%H:%M}", "body": "After lunch"}
    ann = as_user(cast.ann)

    page = ann.post(f"/leads/{lead.pk}/log/", sent, follow=True).content.decode()

    activity = Activity.objects.get()
    assert "Call logged." in page
    assert f"/activities/{activity.pk}/undo/" in page
    assert "calls back" in page
    assert activity.due_at is not None
    assert abs(activity.due_at - due) < timedelta(minutes=1)

    ann.post(f"/activities/{activity.pk}/undo/")
    assert Activity.objects.get().undone_at is not None


def test_an_answer_marked_in_the_text_counts_with_the_call_as_evidence(cast: Cast, lead: Lead) -> None:
    body = "Good talk. #budget 30,000 a year #authority she signs herself\nnothing on #timeline"

    as_user(cast.ann).post(f"/leads/{lead.pk}/log/", {"kind": "call", "disposition": "connected", "body": body})

    given = dict(Answer.objects.filter(lead=lead).values_list("question__key", "value"))
    assert given == {"budget": "30,000 a year", "authority": "she signs herself"}
    assert set(Answer.objects.values_list("evidence", "by")) == {("call", cast.ann.pk)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("no marks, but 50# of steel and a#b", {}),
        ("#budget: 20k.", {"budget": "20k"}),
        ("#need a #need b", {"need": "b"}),
        ("#Budget x\n#budget", {"budget": "x"}),
    ],
)
def test_marks_are_read_to_the_next_mark_or_the_end_of_the_line(text: str, found: dict[str, str]) -> None:
    assert marked_answers(text) == found


def test_a_snoozed_lead_comes_back_and_a_touch_takes_it_up(cast: Cast, lead: Lead) -> None:
    at = timezone.now()

    assert snooze_lead(lead.pk, at + timedelta(days=1), by=cast.ann, at=at).snoozed_until == at + timedelta(days=1)
    assert resume_lead(lead.pk, by=cast.ann, at=at).snoozed_until is None
    assert resume_lead(lead.pk, by=cast.ann, at=at).snoozed_until is None
    snooze_lead(lead.pk, at + timedelta(days=1), by=cast.ann, at=at)
    log_activity(lead.pk, "call", by=cast.ann, at=at)

    lead.refresh_from_db()
    assert lead.snoozed_until is None
    assert kinds(lead) == ["lead.snoozed", "lead.resumed", "lead.snoozed", "activity.logged"]


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_a_lead_cannot_be_put_aside_until_the_past_or_for_years(cast: Cast, lead: Lead, days: int) -> None:
    at = timezone.now()

    with pytest.raises(InvalidInput):
        snooze_lead(lead.pk, at + timedelta(days=days), by=cast.ann, at=at)

    lead.refresh_from_db()
    assert lead.snoozed_until is None


def test_a_closed_lead_cannot_be_put_aside(cast: Cast) -> None:
    closed = make_lead(stage="disqualified")

    with pytest.raises(NotWorking):
        snooze_lead(closed.pk, timezone.now() + timedelta(days=1), by=cast.ann)


def test_the_page_snoozes_and_undo_brings_it_back(cast: Cast, lead: Lead) -> None:
    ann = as_user(cast.ann)

    page = ann.post(f"/leads/{lead.pk}/snooze/", {"until": "tomorrow"}, follow=True).content.decode()

    lead.refresh_from_db()
    assert lead.snoozed_until is not None
    assert "put aside until" in page
    assert f'action="/leads/{lead.pk}/resume/"' in page
    ann.post(f"/leads/{lead.pk}/resume/")
    lead.refresh_from_db()
    assert lead.snoozed_until is None


def test_a_call_taken_back_takes_the_answers_in_its_text_with_it(cast: Cast, lead: Lead) -> None:
    ann = as_user(cast.ann)
    said = {"kind": "call", "disposition": "connected", "body": "#budget 20,000 #need Excel"}
    ann.post(f"/leads/{lead.pk}/log/", said)
    need = Question.objects.get(key="need", framework__is_active=True)
    give_answer(lead.pk, need.pk, "Two hours a day", by=cast.ann, evidence="call")

    ann.post(f"/activities/{Activity.objects.get().pk}/undo/")

    counts = Answer.objects.filter(lead=lead, superseded_at__isnull=True)
    assert list(counts.values_list("value", flat=True)) == ["Two hours a day"]


def test_without_a_time_nothing_is_snoozed(cast: Cast, lead: Lead) -> None:
    for sent in ({}, {"until": "own"}, {"until": "never"}, {"until": "own", "own": "nonsense"}):
        page = as_user(cast.ann).post(f"/leads/{lead.pk}/snooze/", sent, follow=True).content.decode()
        assert "Say until when." in page

    lead.refresh_from_db()
    assert lead.snoozed_until is None
