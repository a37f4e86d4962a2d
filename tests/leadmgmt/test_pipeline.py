"""The recipe: steps in order, each once; what fails is tried again, and at last parked where an admin sees it."""

from datetime import timedelta

import pytest
from django.db.models import F

from leadmgmt import pipeline
from leads.events import STEP_KINDS, record_event
from leads.models import Lead, LeadEvent
from tests.factories import make_lead
from tests.worker import lose_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[pipeline.Step, ...]]:
    """A recipe of the test's own in the place of the real one."""
    steps: dict[str, tuple[pipeline.Step, ...]] = {}
    monkeypatch.setattr(pipeline, "STEPS", steps)
    return steps


def name_subject(word: str) -> pipeline.Step:
    """A step that leaves a trace on the lead, from what it finds there."""

    def step(lead: Lead, event: LeadEvent) -> None:
        lead.subject += word
        lead.save(update_fields=["subject"])

    return step


def fail(lead: Lead, event: LeadEvent) -> None:
    Lead.objects.filter(pk=lead.pk).update(subject="half done")
    raise ValueError("the step is broken")


def test_every_kind_that_needs_a_step_has_one() -> None:
    assert set(pipeline.STEPS) == STEP_KINDS


def test_events_are_handled_in_order_and_once(recipe: dict[str, tuple[pipeline.Step, ...]]) -> None:
    recipe["lead.captured"] = (name_subject("a"), name_subject("b"))
    recipe["lead.enriched"] = (name_subject("c"),)
    lead = make_lead()
    record_event(lead, "lead.captured")
    record_event(lead, "call.planned")
    record_event(lead, "lead.enriched")

    assert pipeline.advance_lead(lead.pk) == "2 handled"
    assert pipeline.advance_lead(lead.pk) == "0 handled"

    lead.refresh_from_db()
    assert lead.subject == "abc"


def test_a_failure_takes_back_its_own_step_alone(recipe: dict[str, tuple[pipeline.Step, ...]]) -> None:
    recipe["lead.captured"] = (name_subject("a"),)
    recipe["lead.enriched"] = (fail,)
    lead = make_lead()
    done = record_event(lead, "lead.captured")
    broken = record_event(lead, "lead.enriched")

    pipeline.advance_lead(lead.pk)

    for row in (lead, done, broken):
        row.refresh_from_db()
    assert lead.subject == "a"
    assert done.handled_at is not None
    assert (broken.handled_at, broken.attempts, broken.error) == (None, 1, "ValueError: the step is broken")
    assert broken.next_try_at is not None


def test_what_fails_for_good_is_parked_and_can_be_tried_again(recipe: dict[str, tuple[pipeline.Step, ...]]) -> None:
    recipe["lead.captured"] = (fail,)
    lead = make_lead()
    event = record_event(lead, "lead.captured")

    for _ in range(pipeline.MAX_ATTEMPTS):
        pipeline.advance_lead(lead.pk)
        LeadEvent.objects.filter(pk=event.pk).update(next_try_at=F("next_try_at") - timedelta(hours=1))

    event.refresh_from_db()
    assert event.attempts == pipeline.MAX_ATTEMPTS
    assert event.parked_at is not None
    assert pipeline.advance_lead(lead.pk) == "0 handled"

    recipe["lead.captured"] = (name_subject("mended"),)
    assert pipeline.retry_parked([event.pk]) == 1
    assert pipeline.advance_lead(lead.pk) == "1 handled"
    lead.refresh_from_db()
    assert lead.subject == "mended"


def test_a_step_that_kills_its_worker_is_given_up(recipe: dict[str, tuple[pipeline.Step, ...]]) -> None:
    def die(lead: Lead, event: LeadEvent) -> None:
        raise SystemExit

    recipe["lead.captured"] = (die,)
    lead = make_lead()
    event = record_event(lead, "lead.captured")
    lose_jobs()
    pipeline.nudge_forgotten(event.recorded_at + timedelta(seconds=11))

    for _ in range(pipeline.MAX_ATTEMPTS):
        with pytest.raises(SystemExit):
            pipeline.advance_lead(lead.pk)
    pipeline.advance_lead(lead.pk)

    event.refresh_from_db()
    assert event.parked_at is not None
    assert event.error == "The worker was lost each time this step ran."


def test_the_clock_finds_what_a_lost_job_forgot(recipe: dict[str, tuple[pipeline.Step, ...]]) -> None:
    lead = make_lead()
    event = record_event(lead, "lead.captured")
    lose_jobs()

    assert pipeline.nudge_forgotten(event.recorded_at + timedelta(seconds=5)) == 0
    assert pipeline.nudge_forgotten(event.recorded_at + timedelta(seconds=11)) == 1
    assert pipeline.nudge_forgotten(event.recorded_at + timedelta(seconds=12)) == 0


def test_a_job_that_stands_in_a_long_line_is_not_lost(recipe: dict[str, tuple[pipeline.Step, ...]]) -> None:
    lead = make_lead()
    event = record_event(lead, "lead.captured")

    assert pipeline.nudge_forgotten(event.recorded_at + timedelta(minutes=5)) == 0
    event.refresh_from_db()
    assert (event.attempts, event.next_try_at) == (0, None)
    lose_jobs()
    assert pipeline.nudge_forgotten(event.recorded_at + timedelta(minutes=5)) == 1
