"""Cadences: when steps are due, what moves a lead on, what ends it, and what happens by itself."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from leadmgmt.core.now import moment
from leads.events import record_event
from leads.models import Consent, Lead, User
from qualification.desk.situation import activities_of, history
from qualification.models import Cadence, CadenceEnrolment, MailTemplate, OutgoingMail
from qualification.services.activities import log_activity, undo_activity
from qualification.services.cadence_setup import StepData, save_cadence
from qualification.services.cadences import (
    CadenceConflict,
    at_the_same_company,
    begin_by_itself,
    begin_cadence,
    end_by_answer,
    step_done,
    stop_by_hand,
)
from qualification.services.cadences_due import cadences_due
from qualification.services.mail_rules import stop_mails
from tests.factories import make_company, make_contact, make_lead, make_reason, make_rep, make_touchpoint, make_user

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = (time(9), time(17))
# A Tuesday, 11:00 in Berlin.
AT = datetime.fromisoformat("2026-05-05T09:00:00+00:00")


@pytest.fixture
def ann(db: None) -> User:
    user = make_user("sdr", first_name="Ann", email="ann@firm.example")
    make_rep(user)
    return user


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Iterator[None]:
    settings.MAIL_GOES_OUT = True
    settings.DEFAULT_FROM_EMAIL = "Firm <hello@firm.example>"
    with moment(AT):
        yield


def text(**more: str) -> MailTemplate:
    return MailTemplate.objects.create(
        **{"name": "Text", "subject": "Hello {{ first_name | there }}", "body": "Well?", **more}
    )


def cadence(*steps: StepData, **more: Any) -> Cadence:
    fields = {
        "name": "Inbound", "position": 1, "is_active": True, "window_from": time(9), "window_to": time(17),
        "wait_days": 2, "recycle_reason": None, "most_mails_a_day": 50, **more,
    }  # fmt: skip
    condition = fields.pop("condition", {})
    return save_cadence(None, fields, condition, steps or (CALL, MAIL, CALL))


CALL, MAIL, TASK = StepData("call", 1), StepData("email", 2), StepData("task", 1, hint="Send a card.")


def lead_of(ann: User, **more: Any) -> Lead:
    said = {"email": "kim@nord.example", "phone": "+4930123456", "country": "DE", "time_zone": "Europe/Berlin", **more}
    return make_lead(contact=make_contact(**said), owner=ann, stage="mql", captured_at=AT - timedelta(hours=1))


def begun(lead: Lead) -> CadenceEnrolment | None:
    begin_by_itself(lead, record_event(lead, "lead.assigned", at=AT))
    return CadenceEnrolment.objects.filter(lead=lead).first()


def state(lead: Lead) -> tuple[int | None, datetime, str]:
    row = CadenceEnrolment.objects.select_related("step").get(lead=lead)
    return row.step.position if row.step else None, row.due_at, row.end


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.django_db
class TestBeginning:
    def test_a_lead_with_its_owner_goes_into_the_first_that_fits(self, ann: User) -> None:
        cadence(condition={"fact": "contact.country", "op": "eq", "value": "AT"}, name="Austria")
        fits = cadence(condition={"fact": "contact.country", "op": "eq", "value": "DE"}, position=2)
        cadence(name="Everybody", position=3)
        lead = lead_of(ann)

        row = begun(lead)
        begun(lead)

        assert row is not None
        assert (row.cadence, row.due_at) == (fits, AT)
        assert CadenceEnrolment.objects.count() == 1
        assert lead.events.filter(kind="cadence.begun").count() == 1

    def test_nobody_without_owner_and_nobody_of_the_past(self, ann: User) -> None:
        cadence()
        lead = lead_of(ann)
        for name, value in (("owner", None), ("is_history", True)):
            setattr(lead, name, value)
            assert begun(lead) is None
            lead.refresh_from_db()
        assert begun(make_lead(owner=ann, stage="opportunity")) is None

    def test_what_cannot_be_done_is_no_step(self, ann: User) -> None:
        cadence(CALL, MAIL, TASK)
        lead = lead_of(ann, phone="")

        row = begun(lead)

        assert row is not None
        assert row.step is not None
        assert row.step.kind == "email"

    def test_one_cadence_for_one_person(self, ann: User) -> None:
        one, other = cadence(), cadence(name="Other")
        lead = lead_of(ann)
        begin_cadence(lead.pk, one.pk, by=ann, at=AT)

        with pytest.raises(CadenceConflict):
            begin_cadence(lead.pk, other.pk, by=ann, at=AT)
        with pytest.raises(IntegrityError), transaction.atomic():
            CadenceEnrolment.objects.create(lead=lead, contact=lead.contact, cadence=other, started_at=AT, due_at=AT)

    def test_colleagues_at_the_same_company_are_known(self, ann: User) -> None:
        cadence()
        company = make_company()
        one, other = (
            lead_of(ann, company=company),
            lead_of(ann, company=company, email="b@nord.example", phone="+4930765432"),
        )
        begun(one)

        assert [row.lead for row in at_the_same_company(other)] == [one]
        assert at_the_same_company(one) == []


@pytest.mark.django_db
class TestMovingOn:
    def test_each_try_brings_the_next_step(self, ann: User) -> None:
        cadence()
        lead = lead_of(ann)
        begun(lead)

        log_activity(lead.pk, "email", by=ann, at=AT)
        assert state(lead)[0] == 1
        log_activity(lead.pk, "call", by=ann, disposition="no_answer", at=AT)
        assert state(lead) == (2, berlin("2026-05-07 11:00"), "")
        log_activity(lead.pk, "email", by=ann, at=berlin("2026-05-07 11:00"))
        assert state(lead) == (3, berlin("2026-05-08 11:00"), "")
        log_activity(lead.pk, "call", by=ann, disposition="voicemail", at=berlin("2026-05-08 11:00"))
        assert state(lead) == (None, berlin("2026-05-12 11:00"), "")

    def test_a_try_that_is_taken_back_was_none(self, ann: User) -> None:
        cadence()
        lead = lead_of(ann)
        begun(lead)
        before = state(lead)
        done = log_activity(lead.pk, "call", by=ann, disposition="no_answer", at=AT)

        undo_activity(done.pk, by=ann, at=AT + timedelta(minutes=1))

        assert state(lead) == before

    def test_tasks_are_ticked_off_and_steps_left_out(self, ann: User) -> None:
        cadence(TASK, CALL, CALL)
        lead = lead_of(ann)
        begun(lead)

        step_done(lead.pk, by=ann, at=AT)
        assert state(lead)[0] == 2
        step_done(lead.pk, by=ann, at=AT, skipped=True)
        assert state(lead)[0] == 3
        step_done(lead.pk, by=ann, at=AT)
        with pytest.raises(CadenceConflict):
            step_done(lead.pk, by=ann, at=AT)

    def test_steps_taken_out_leave_nobody_standing(self, ann: User) -> None:
        row = cadence()
        lead = lead_of(ann)
        begun(lead)
        log_activity(lead.pk, "call", by=ann, disposition="no_answer", at=AT)
        first, _second, third = row.steps.all()
        fields = {name: getattr(row, name) for name in (
            "name", "position", "is_active", "window_from", "window_to", "wait_days", "recycle_reason",
            "most_mails_a_day")}  # fmt: skip

        save_cadence(row.pk, fields, {}, [StepData("call", 1, pk=third.pk), TASK, StepData("call", 1, pk=first.pk)])

        assert list(row.steps.values_list("kind", "position")) == [("call", 1), ("task", 2), ("call", 3)]
        assert CadenceEnrolment.objects.get().step_id == third.pk


@pytest.mark.django_db
def test_a_merged_person_is_still_in_it(ann: User) -> None:
    cadence()
    lead = lead_of(ann)
    begun(lead)
    # As a merge does: the lead is another contact's from now on.
    lead.contact = make_contact(email="kept@nord.example", phone="+4930999999")
    lead.save()

    log_activity(lead.pk, "call", by=ann, disposition="no_answer", at=AT)

    assert state(lead)[0] == 2


@pytest.mark.django_db
class TestEnding:
    @pytest.mark.parametrize("disposition", ["connected", "booked"])
    def test_who_was_reached_is_tried_no_further(self, ann: User, disposition: str) -> None:
        cadence()
        lead = lead_of(ann)
        begun(lead)
        kind = "meeting" if disposition == "booked" else "call"

        log_activity(lead.pk, kind, by=ann, disposition=disposition, due_at=AT + timedelta(days=1), at=AT)

        assert state(lead)[2] == "reached"

    def test_an_answer_ends_it_and_a_visit_does_not(self, ann: User) -> None:
        cadence()
        lead = lead_of(ann)
        begun(lead)
        make_touchpoint(lead, kind="visit", at=AT + timedelta(hours=1))
        end_by_answer(lead, record_event(lead, "lead.touched"))
        assert state(lead)[2] == ""

        make_touchpoint(lead, kind="email", at=AT + timedelta(hours=2))
        for _twice in range(2):
            end_by_answer(lead, record_event(lead, "lead.touched"))

        assert state(lead)[2] == "answered"
        assert lead.events.filter(kind="cadence.ended").count() == 1

    def test_who_wants_no_more_mails_is_in_no_cadence(self, ann: User) -> None:
        cadence()
        lead = lead_of(ann)
        begun(lead)

        stop_mails(lead.contact, AT)

        assert state(lead)[2] == "opted_out"

    def test_a_person_ends_it(self, ann: User) -> None:
        cadence()
        lead = lead_of(ann)
        begun(lead)

        stop_by_hand(lead.pk, by=ann, at=AT)
        stop_by_hand(lead.pk, by=ann, at=AT)

        assert state(lead)[2] == "stopped"

    def test_without_any_answer_it_is_recycled_with_its_date(self, ann: User) -> None:
        reason = make_reason("recycle", wake_after_days=30)
        cadence(CALL, recycle_reason=reason)
        lead = lead_of(ann)
        begun(lead)
        log_activity(lead.pk, "call", by=ann, disposition="no_answer", at=AT)
        due = berlin("2026-05-07 11:00")
        assert state(lead) == (None, due, "")

        assert cadences_due(due - timedelta(minutes=1)) == 0
        assert cadences_due(due) == 1
        assert cadences_due(due) == 0

        lead.refresh_from_db()
        assert (lead.stage, lead.reason) == ("recycled", reason)
        assert lead.wake_at is not None
        assert state(lead)[2] == "no_answer"


@pytest.mark.django_db
class TestByItself:
    def automatic(self, **more: Any) -> Cadence:
        return cadence(StepData("email", 0, template=text(), is_automatic=True), CALL, **more)

    def test_a_mail_goes_out_in_the_owners_name_once(self, ann: User) -> None:
        self.automatic()
        lead = lead_of(ann, first_name="Kim")
        begun(lead)

        assert [cadences_due(AT), cadences_due(AT)] == [1, 0]

        mail = OutgoingMail.objects.get()
        assert (mail.by, mail.subject, mail.step is not None) == (ann, "Hello Kim", True)
        assert state(lead)[0] == 2

    def test_it_is_no_human_touch_and_taken_back_it_stays_back(self, ann: User) -> None:
        self.automatic()
        lead = lead_of(ann)
        begun(lead)
        cadences_due(AT)

        lead.refresh_from_db()
        assert (lead.first_touched_at, lead.last_activity_at) == (None, None)
        assert history(lead, activities_of([lead.pk])[lead.pk]).attempts == 0
        undo_activity(OutgoingMail.objects.get().activity_id, by=ann, at=AT + timedelta(seconds=5))
        assert cadences_due(AT + timedelta(minutes=1)) == 0
        assert (OutgoingMail.objects.get().status, state(lead)[0]) == ("cancelled", 1)

    def test_it_waits_for_the_hours_where_the_lead_is(self, ann: User) -> None:
        self.automatic()
        lead = lead_of(ann, time_zone="America/New_York", country="US")
        row = begun(lead)
        assert row is not None
        opens = datetime(2026, 5, 5, 9, tzinfo=ZoneInfo("America/New_York"))
        assert row.due_at == opens

        assert cadences_due(AT) == 0
        assert cadences_due(opens) == 1

    def test_nobody_who_is_away_writes(self, ann: User) -> None:
        self.automatic()
        lead = lead_of(ann)
        begun(lead)
        ann.rep.absences.create(starts_at=AT - timedelta(hours=1), ends_at=AT + timedelta(hours=5))

        assert cadences_due(AT) == 0
        assert cadences_due(AT + timedelta(hours=5)) == 1

    def test_a_rep_writes_only_so_many_a_day(self, ann: User) -> None:
        self.automatic(most_mails_a_day=2)
        leads = [lead_of(ann, email=f"k{place}@nord.example", phone=f"+49301234{place:02}") for place in range(4)]
        for lead in leads:
            begun(lead)

        cadences_due(AT)
        assert OutgoingMail.objects.count() == 2
        tomorrow = berlin("2026-05-06 09:00")
        cadences_due(tomorrow)
        assert OutgoingMail.objects.count() == 4

    def test_what_is_not_known_is_written_by_hand(self, ann: User) -> None:
        cadence(StepData("email", 0, template=text(body="In {{ city }}"), is_automatic=True))
        lead = lead_of(ann, city="")
        begun(lead)

        cadences_due(AT)

        row = CadenceEnrolment.objects.get()
        assert (row.by_hand, row.ended_at) == ("city", None)
        assert not OutgoingMail.objects.exists()
        assert cadences_due(AT) == 0
        log_activity(lead.pk, "email", by=ann, at=AT)
        assert state(lead)[0] is None

    def test_without_a_mail_server_it_is_the_reps(self, ann: User, settings: Any) -> None:
        settings.MAIL_GOES_OUT = False
        self.automatic()
        begun(lead_of(ann))

        cadences_due(AT)

        assert CadenceEnrolment.objects.get().by_hand
        assert not OutgoingMail.objects.exists()

    def test_a_no_to_mails_leaves_the_calls(self, ann: User) -> None:
        self.automatic()
        lead = lead_of(ann)
        Consent.objects.create(contact=lead.contact, purpose="email", granted=False, at=AT)
        begun(lead)

        cadences_due(AT)

        assert state(lead)[0] == 2
        assert not OutgoingMail.objects.exists()

    def test_a_lead_put_aside_is_left_alone(self, ann: User) -> None:
        self.automatic()
        lead = lead_of(ann)
        begun(lead)
        until = AT + timedelta(hours=2)
        Lead.objects.filter(pk=lead.pk).update(snoozed_until=until)

        assert cadences_due(AT) == 0
        assert state(lead)[1] == until
