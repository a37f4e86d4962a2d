"""The audit finds what is broken on purpose, names the row, and keeps quiet about a sound database."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from crmsync.models import Opportunity
from leadmgmt.audit import CHECKS, run
from leads.events import record_event
from leads.models import Capture, Lead
from leads.services.capture import receive
from qualification.models import (
    Activity,
    Cadence,
    CadenceEnrolment,
    OutgoingMail,
    PredictionModel,
    Score,
    ScoringModel,
)
from routing.models import PoolMember, SlaClock
from tests.factories import make_channel, make_clock, make_lead, make_pool, make_reason, make_rep, make_user


def sound() -> Lead:
    """One lead that breaks nothing."""
    lead = make_lead(owner=make_user("sdr"))
    lead.assignments.update(reason="person")
    record_event(lead, "lead.captured", at=lead.first_seen_at, quiet=True)
    make_clock(lead)
    return lead


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def lose_history(lead: Lead) -> None:
    lead.events.all().delete()


def move_unseen(lead: Lead) -> None:
    sql("UPDATE leads_lead SET stage = 'mql' WHERE id = %s", lead.pk)


def stamp_unrecorded(lead: Lead) -> None:
    sql("UPDATE leads_lead SET mql_at = now() WHERE id = %s", lead.pk)


def take_away(lead: Lead) -> None:
    sql("UPDATE leads_lead SET owner_id = NULL WHERE id = %s", lead.pk)


def accept_nothing(lead: Lead) -> None:
    Capture.objects.create(
        channel=make_channel("x"), status="accepted", received_at=timezone.now(), occurred_at=timezone.now(), payload={}
    )


def touch_and_run_on(lead: Lead) -> None:
    sql("UPDATE leads_lead SET first_touched_at = now() WHERE id = %s", lead.pk)


def tilt(lead: Lead) -> None:
    pool = make_pool(make_rep())
    PoolMember.objects.filter(pool=pool).update(balance=1)


def touch_too_early(lead: Lead) -> None:
    early = lead.captured_at - timedelta(hours=1)
    SlaClock.objects.filter(lead=lead).update(touched_at=early, stopped_at=timezone.now())


def forget_score(lead: Lead) -> None:
    model = ScoringModel.objects.create(version=99, rules=[])
    Score.objects.create(lead=lead, model=model, at=timezone.now(), fit=80, engagement=80, grade="A1")


def sell_unseen(lead: Lead) -> None:
    Opportunity.objects.create(lead=lead, name="Deal", created_at=timezone.now())


def park(lead: Lead) -> None:
    lead.events.update(parked_at=timezone.now(), error="ValueError: no")


def letter(lead: Lead, **fields: Any) -> None:
    said = {"to": "a@b.example", "subject": "x", "body": "x", "message_id": "x", "status": "sent"}
    OutgoingMail.objects.create(lead=lead, by=make_user("sdr"), written_at=timezone.now(), **said, **fields)


def send_what_was_taken_back(lead: Lead) -> None:
    activity = Activity.objects.create(
        lead=lead, kind="email", at=timezone.now(), undone_at=timezone.now(), is_automatic=True
    )
    letter(lead, activity=activity)


def write_to_the_held_out(lead: Lead) -> None:
    reason = make_reason("recycle")
    begun = {"starts_at": lead.captured_at, "ended_at": timezone.now()}
    letter(lead, nurture=lead.nurtures.create(reason=reason, is_held_out=True, **begun))


def leave_in_a_cadence(lead: Lead) -> None:
    cadence = Cadence.objects.create(name="x")
    closed = make_lead(stage="disqualified")
    at = closed.captured_at
    CadenceEnrolment.objects.create(lead=closed, contact=closed.contact, cadence=cadence, due_at=at, started_at=at)


def predict_before_learning(lead: Lead) -> None:
    at = timezone.now()
    said = {
        "version": 1,
        "trained_at": at + timedelta(days=1),
        "horizon_days": 30,
        "examples": 1,
        "wins": 1,
        "body": {},
    }
    prediction = PredictionModel.objects.create(**said)
    model = ScoringModel.objects.create(version=99, rules=[])
    Score.objects.create(lead=lead, model=model, prediction=prediction, at=at, fit=1, engagement=1, grade="D4")
    sql("UPDATE leads_lead SET fit = 1, engagement = 1, grade = 'D4' WHERE id = %s", lead.pk)


def keep_what_nobody_named(lead: Lead) -> None:
    model = ScoringModel.objects.create(version=99, rules=[], changing=["lead.stage", "time.hour"])
    at = timezone.now()
    Score.objects.create(lead=lead, model=model, at=at, fit=1, engagement=1, grade="D4", changed=['"new"'])
    sql("UPDATE leads_lead SET fit = 1, engagement = 1, grade = 'D4' WHERE id = %s", lead.pk)


BROKEN: list[tuple[Callable[[Lead], None], set[str]]] = [
    (lose_history, {"leads.captured_once"}),
    (move_unseen, {"leads.stage_is_the_last_one_recorded"}),
    (stamp_unrecorded, {"leads.stage_times_equal_events"}),
    (take_away, {"routing.owner_is_the_assignee", "routing.routed_lead_is_somewhere"}),
    (accept_nothing, {"leads.accepted_capture_has_lead"}),
    (touch_and_run_on, {"routing.promise_runs_only_while_untouched"}),
    (tilt, {"routing.balances_sum_to_zero", "routing.ledger_adds_up_to_balances"}),
    (touch_too_early, {"routing.touch_is_not_before_its_promise"}),
    (forget_score, {"qualification.score_is_the_newest"}),
    (send_what_was_taken_back, {"qualification.taken_back_mails_stay"}),
    (write_to_the_held_out, {"qualification.the_held_out_get_no_mail"}),
    (
        leave_in_a_cadence,
        # A lead made closed has no history either.
        {
            "qualification.only_the_worked_are_in_cadences",
            "leads.captured_once",
            "leads.stage_is_the_last_one_recorded",
        },
    ),
    (predict_before_learning, {"qualification.chance_has_its_model"}),
    (keep_what_nobody_named, {"qualification.score_refers_to_what_is_there"}),
    (sell_unseen, {"crm.open_deal_has_an_open_lead"}),
    (park, {"leads.nothing_parked"}),
]


def test_a_sound_database_passes(db: None) -> None:
    sound()
    out = StringIO()

    call_command("audit", stdout=out)

    assert out.getvalue() == f"{len(CHECKS)} checks, 0 breaches.\n"


@pytest.mark.parametrize(("harm", "names"), BROKEN, ids=[harm.__name__ for harm, _ in BROKEN])
def test_each_harm_is_found_and_named(db: None, harm: Callable[[Lead], None], names: set[str]) -> None:
    lead = sound()

    harm(lead)

    assert {check.name for check, broken in run(CHECKS) if broken} == names


def test_a_breach_ends_the_command_with_one_and_a_line(db: None) -> None:
    lead = sound()
    move_unseen(lead)
    out, told = StringIO(), StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("audit", stdout=out)
    with pytest.raises(SystemExit):
        call_command("audit", "--json", stdout=told)

    assert ended.value.code == 1
    assert f"leads.stage_is_the_last_one_recorded: {lead.pk} (mql but no stage event)." in out.getvalue()
    answer = json.loads(told.getvalue())
    assert answer["holds"] is False
    assert [check["name"] for check in answer["checks"] if not check["holds"]] == [
        "leads.stage_is_the_last_one_recorded"
    ]


def test_names_are_told_once() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_what_happens_in_an_honest_day_is_no_breach(db: None) -> None:
    """Two submissions overtake each other, an id comes with another address, engagement fades."""
    channel, at = make_channel("site"), timezone.now()
    for email, minutes in (("ann@firm.example", 0), ("ann@firm.example", 1), ("bob@firm.example", 0)):
        body = {"email": email, "external_id": "7", "n": minutes}
        receive(channel, body, received_at=at - timedelta(minutes=minutes))
    lead = Lead.objects.filter(contact__email="ann@firm.example").get()
    model = ScoringModel.objects.create(version=99, rules=[])
    Score.objects.create(lead=lead, model=model, at=at, fit=50, engagement=20, grade="B4")
    sql("UPDATE leads_lead SET fit = 50, engagement = 8, grade = 'B4' WHERE id = %s", lead.pk)

    ours = ("leads.first_seen", "leads.identity", "qualification.score")
    broken = {check.name for check, breaches in run(CHECKS) if breaches}

    assert lead.touchpoints.count() == 2
    assert {name for name in broken if name.startswith(ours)} == set()
