"""The order of the queue and its sentences: pure decisions, looked at without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from leads.models import Channel, Company, Contact, Lead, Touchpoint
from qualification.desk.facts import calling_from
from qualification.desk.headline import headline
from qualification.desk.order import cadence_factor, order, promise_factor, value_factor
from qualification.desk.plan import Group, Step, plan, working_day
from qualification.desk.queue import ranked
from qualification.desk.situation import Situation, history
from qualification.desk.why import LONGEST, why
from qualification.models import Activity, Question
from routing.models import SlaClock

HOURS_AHEAD = ((1, "A1", 72), (2, "D4", 24))
AT = datetime(2026, 11, 23, 9, 41, tzinfo=ZoneInfo("Europe/Berlin"))  # a Monday


def lead(**fields: Any) -> Lead:
    contact = Contact(first_name="Ann", email="ann@firm.example", phone="+49721555010", company=Company(name="Firm"))
    values = {
        "pk": 1,
        "contact": contact,
        "channel": Channel(kind="form"),
        "stage": "mql",
        "captured_at": AT - timedelta(minutes=11),
        "last_touch_at": AT - timedelta(minutes=11),
    }
    return Lead(**(values | fields))


def stands(one: Lead | None = None, **fields: Any) -> Situation:
    return Situation(lead=one or lead(), at=AT, **fields)


def old(**fields: Any) -> Lead:
    then = AT - timedelta(days=60)
    return lead(captured_at=then, last_touch_at=then, **fields)


def clock(minutes: float) -> SlaClock:
    return SlaClock(started_at=AT - timedelta(minutes=11), due_at=AT + timedelta(minutes=minutes))


def did(disposition: str, ago: timedelta, kind: str = "call", **fields: Any) -> Activity:
    return Activity(kind=kind, disposition=disposition, at=AT - ago, **fields)


@pytest.mark.parametrize(
    ("minutes", "group"),
    [(-600, Group.NOW), (0, Group.NOW), (15, Group.NOW), (16, Group.HOUR), (60, Group.HOUR), (61, Group.TODAY)],
)
def test_a_promise_is_grouped_by_what_is_left_of_it(minutes: float, group: Group) -> None:
    assert plan(stands(clock=clock(minutes))).group is group


def test_an_untouched_lead_without_a_promise_wants_its_call_today() -> None:
    decided = plan(stands())

    assert (decided.step, decided.group) == (Step.FIRST_TOUCH, Group.TODAY)


@pytest.mark.parametrize(("zone", "group"), [("Europe/Berlin", Group.COMING), ("America/New_York", Group.TODAY)])
def test_what_is_promised_for_another_day_of_the_readers_own_stands_under_that(zone: str, group: Group) -> None:
    """At 9:41 in Berlin: half past midnight there is still this evening in New York."""
    with timezone.override(zone):
        decided = plan(stands(clock=clock(60 * 15)))
        agreed = did("call_back", timedelta(hours=2), due_at=AT + timedelta(hours=15))
        appointment = plan(stands(attempts=1, last=agreed, appointment=agreed))

    assert (decided.step, decided.group) == (Step.FIRST_TOUCH, group)
    assert (appointment.step, appointment.group) == (Step.APPOINTMENT, group)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/Chicago", "It is Monday, 2:41 in Chicago now."),
        ("Europe/Lisbon", ""),
        ("", ""),
        ("Nowhere/At_all", ""),
    ],
)
def test_who_would_be_woken_up_by_a_call_has_their_hour_said(zone: str, said: str) -> None:
    situation = stands(clock=clock(5))
    situation.lead.contact.time_zone = zone

    because = headline(situation, plan(situation)).because

    assert because.endswith(said or "Your promise ends 9:46.")


@pytest.mark.parametrize(
    ("zone", "email", "act"),
    [
        ("America/Chicago", "mara@rheintal.example", "Write to Mara now."),
        # Eight o'clock in Chicago, on the reader's clock.
        ("America/Chicago", "", "Call Mara from 15:00 on."),
        # Twenty to nine in the evening: tomorrow.
        ("Asia/Kamchatka", "", "Call Mara from 21:00 on."),
        ("Europe/Lisbon", "mara@rheintal.example", "Call Mara now."),
        ("", "mara@rheintal.example", "Call Mara now."),
    ],
)
def test_nobody_is_called_in_their_night(zone: str, email: str, act: str) -> None:
    situation = stands(clock=clock(5))
    contact = situation.lead.contact
    contact.time_zone, contact.email, contact.first_name = zone, email, "Mara"
    said = headline(situation, plan(situation))
    assert (said.act, said.icon) == (act, "mail" if act.startswith("Write") else "phone")


def test_who_has_no_name_is_not_called_in_their_night_either() -> None:
    situation = stands(clock=clock(5))
    contact = situation.lead.contact
    contact.time_zone, contact.email, contact.first_name, contact.last_name = "America/Chicago", "", "", ""
    assert headline(situation, plan(situation)).act == "Call from 15:00 on."


def test_what_was_agreed_is_kept_at_any_hour() -> None:
    agreed = did("call_back", timedelta(hours=2), due_at=AT + timedelta(minutes=2))
    situation = stands(last=agreed, appointment=agreed)
    situation.lead.contact.time_zone = "America/Chicago"
    assert headline(situation, plan(situation)).act.startswith("Call ")


@pytest.mark.parametrize(
    ("zone", "when"),
    [
        # AT is a Monday, 9:41 in Berlin.
        ("Europe/Berlin", AT),
        ("America/Chicago", datetime(2026, 11, 23, 14, 0, tzinfo=UTC)),
        ("Pacific/Honolulu", datetime(2026, 11, 23, 18, 0, tzinfo=UTC)),
    ],
)
def test_they_are_called_when_their_working_day_begins(zone: str, when: datetime) -> None:
    assert calling_from(Contact(time_zone=zone), AT) == when


def test_coming_days_go_by_their_time_and_today_by_value() -> None:
    far, near = (stands(lead(pk=pk, grade=grade), clock=clock(60 * hours)) for pk, grade, hours in HOURS_AHEAD)

    assert [one.lead.pk for one, _plan, _order in ranked([far, near])] == [2, 1]


def test_a_snoozed_lead_is_paused_even_if_its_promise_is_over() -> None:
    until = AT + timedelta(hours=3)

    decided = plan(stands(lead(snoozed_until=until), clock=clock(-5)))

    assert (decided.step, decided.group, decided.due_at) == (Step.PAUSED, Group.PAUSED, until)


def test_a_call_back_is_a_promise_at_its_time() -> None:
    agreed = did("call_back", timedelta(hours=2), due_at=AT + timedelta(minutes=19))

    decided = plan(stands(attempts=1, last=agreed, appointment=agreed))

    assert (decided.step, decided.group, decided.is_promise) == (Step.APPOINTMENT, Group.HOUR, True)


def test_a_follow_up_is_due_after_a_pause_and_waits_until_then() -> None:
    today = stands(old(), attempts=1, last=did("no_answer", timedelta(days=1)))
    tomorrow = stands(old(), attempts=1, last=did("no_answer", timedelta(hours=1)))

    assert plan(today).group is Group.TODAY
    assert plan(tomorrow).group is Group.COMING
    assert plan(tomorrow).due_at == AT + timedelta(hours=23)


def test_a_follow_up_that_falls_on_a_weekend_comes_on_monday() -> None:
    saturday, sunday = AT + timedelta(days=5), AT + timedelta(days=6)

    assert working_day(saturday) == AT + timedelta(days=7)
    assert working_day(sunday) == AT + timedelta(days=7)
    assert working_day(AT) == AT


def test_after_six_tries_without_an_answer_recycling_is_proposed() -> None:
    decided = plan(stands(old(), attempts=6, last=did("no_answer", timedelta(days=4))))

    assert decided.step is Step.GIVE_UP


def test_a_person_who_acts_after_our_last_touch_is_wanted_within_the_hour() -> None:
    stirred = stands(
        lead(last_touch_at=AT - timedelta(minutes=22), captured_at=AT - timedelta(days=4)),
        attempts=1,
        last=did("no_answer", timedelta(hours=20)),
        touch=Touchpoint(kind="visit"),
    )

    assert (plan(stirred).step, plan(stirred).group) == (Step.STIRRED, Group.HOUR)
    assert why(stirred, plan(stirred)) == "Was on the website again, 22 min ago"


def test_less_time_left_comes_first_and_a_broken_promise_counts_in_full() -> None:
    factors = [promise_factor(plan(stands(clock=clock(minutes))), AT) for minutes in (-30, -1, 4, 15, 40, 600)]

    assert factors[:2] == [1.0, 1.0]
    assert factors[3] == 0.5
    assert factors == sorted(factors, reverse=True)


def test_the_chance_to_win_is_the_value_and_the_grade_stands_in_for_it() -> None:
    assert value_factor(stands(lead(win_probability=0.38, grade="D4"))) == 0.38
    grades = [value_factor(stands(lead(grade=grade))) for grade in ("A1", "A2", "B1", "B2", "C2", "D4")]
    assert all(0 < value < 1 for value in grades)
    assert grades[0] == max(grades)
    assert grades[-1] == min(grades)


def test_priority_is_the_product_of_the_three_bars() -> None:
    one = stands(lead(win_probability=0.38), clock=clock(15))

    found = order(one, plan(one))

    assert (found.promise, found.value, found.cadence) == (0.5, 0.38, 1.0)
    assert found.priority == pytest.approx(0.19)


def test_each_further_try_counts_less() -> None:
    weights = []
    for attempts in (1, 2, 3, 5):
        one = stands(old(), attempts=attempts, last=did("no_answer", timedelta(days=9)), connected=True)
        weights.append(cadence_factor(one, plan(one)))

    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 4


def test_an_appointment_is_open_until_somebody_has_been_in_touch_after_it() -> None:
    agreed = did("call_back", timedelta(minutes=5), due_at=AT + timedelta(hours=1))
    tried = did("no_answer", timedelta(minutes=1))

    assert history(lead(), [agreed]).appointment is agreed
    assert history(lead(), [tried, agreed]).appointment is None
    assert history(lead(), [tried, agreed]).attempts == 2


def test_tries_of_an_earlier_interest_are_not_counted() -> None:
    found = history(lead(captured_at=AT - timedelta(hours=1)), [did("call_back", timedelta(days=90), due_at=AT)])

    assert (found.attempts, found.appointment) == (0, None)


LONG = Question(label_en="Decision criteria and process of the whole board")


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (stands(lead(subject="demo"), clock=clock(4)), "Asked for a demo; nobody has called yet"),
        (stands(lead(channel=Channel(kind="import"))), "Came with a file; nobody has called yet"),
        (stands(lead(contact=Contact(first_name="Ann"))), "Not reachable yet: the source gave no address"),
        (
            stands(old(), attempts=2, last=did("voicemail", timedelta(days=3)), missing=(LONG,)),
            "Try 3: voicemail on Friday",
        ),
        (
            stands(
                old(),
                attempts=1,
                connected=True,
                last=did("connected", timedelta(days=3)),
                missing=(Question(label_en="Budget"), Question(label_en="Timeline")),
            ),
            "Spoke on Friday; open: budget, timeline",
        ),
        (stands(lead(snoozed_until=AT + timedelta(minutes=139))), "Put aside until 12:00"),
    ],
)
def test_the_line_says_why_as_a_person_would(one: Situation, line: str) -> None:
    assert why(one, plan(one)) == line


@pytest.mark.parametrize("subject", ["x" * 200, "demo", "", "Ein sehr langes Thema, das in keine Zeile der Welt passt"])
def test_the_line_fits_its_column(subject: str) -> None:
    for one in (
        stands(lead(subject=subject), clock=clock(4)),
        stands(
            lead(subject=subject, last_touch_at=AT), attempts=1, last=did("held", timedelta(days=40)), missing=(LONG,)
        ),
        stands(
            attempts=1, last=did("", timedelta(days=40), kind="meeting"), connected=True, missing=(LONG, LONG, LONG)
        ),
    ):
        assert 0 < len(why(one, plan(one))) <= LONGEST


@pytest.mark.parametrize(("email", "act"), [("ann@firm.example", "Write to Ann."), ("", "Call Ann now.")])
def test_who_was_called_at_a_wrong_number_is_written_to(email: str, act: str) -> None:
    one = old()
    one.contact.email = email
    situation = history(one, [did("bad_number", timedelta(days=9))])
    found = stands(one, last=situation.last, attempts=situation.attempts)

    assert headline(found, plan(found)).act == act
