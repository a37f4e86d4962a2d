"""A worker killed with SIGKILL in the middle of a step leaves a lead that the next worker finishes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

from crmsync import board
from crmsync.models import BoardDeal, InboxEvent, Opportunity, OutboxEntry
from leads.models import Capture, EnrichmentRequest, Lead, LeadEvent
from qualification.models import Outcome
from routing.models import Assignment, Notification
from tests.test_story import ANNIKA, audit_breaches, capture_one, post, qualify, won_stage
from tests.worker import running_workers, wait_until, writing_blocked
from tests.world import World, build_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@dataclass(frozen=True)
class Step:
    """Where the worker dies: at its first write to ``table``. ``finished`` says that the story went on after it."""

    table: str
    finished: Callable[[], bool]


BEFORE_THE_REP = [
    Step("leads_contact", lambda: Lead.objects.exists()),
    Step("leads_fieldvalue", lambda: Lead.objects.filter(enriched_at__isnull=False).exists()),
    Step("qualification_score", lambda: Lead.objects.filter(scored_at__isnull=False).exists()),
    Step("routing_certificate", lambda: Assignment.objects.exists()),
    Step("routing_notification", lambda: Lead.objects.filter(notified_at__isnull=False).exists()),
]


@pytest.mark.parametrize("step", BEFORE_THE_REP, ids=lambda step: step.table)
def test_killed_between_capture_and_notice(client: Client, step: Step) -> None:
    world = build_world()

    with writing_blocked(step.table) as someone_waits, running_workers(1, clock=False) as workers:
        assert post(client, world, ANNIKA).status_code == 202
        someone_waits()
        workers.kill_all()
    let_time_pass()
    with running_workers(1):
        wait_until(lambda: Lead.objects.filter(notified_at__isnull=False).exists())
        wait_until(lambda: not Notification.objects.exclude(status="sent").exists())

    assert step.finished()
    assert_told_once(Lead.objects.get())


AFTER_THE_REP = [
    Step("crmsync_opportunity", lambda: Opportunity.objects.exists()),
    Step("crmsync_boarddeal", lambda: BoardDeal.objects.exists()),
]


@pytest.mark.parametrize("step", AFTER_THE_REP, ids=lambda step: step.table)
def test_killed_between_answers_and_the_deal(client: Client, step: Step) -> None:
    world = build_world()
    with running_workers(1):
        lead = capture_one(client, world)
        wait_until(lambda: not LeadEvent.objects.filter(needs_step=True, handled_at=None).exists())

    with writing_blocked(step.table) as someone_waits, running_workers(1) as workers:
        answer_all(lead, world)
        someone_waits()
        workers.kill_all()
    let_time_pass()
    with running_workers(1):
        wait_until(lambda: BoardDeal.objects.exists())
        wait_until(lambda: not OutboxEntry.objects.exclude(state__in=["done", "superseded"]).exists())

    assert step.finished()
    assert Opportunity.objects.count() == BoardDeal.objects.count() == 1
    assert audit_breaches() == []


@pytest.mark.parametrize("table", ["crmsync_inboxevent", "qualification_outcome"])
def test_killed_between_the_win_and_what_we_learn(client: Client, table: str) -> None:
    world = build_world()
    with running_workers(1):
        lead = capture_one(client, world)
        qualify(lead, world)
        wait_until(lambda: not OutboxEntry.objects.exclude(state__in=["done", "superseded"]).exists())
        deal = BoardDeal.objects.get()

    with writing_blocked(table) as someone_waits, running_workers(1) as workers:
        board.move_deal(str(deal.pk), stage=won_stage(), by="somebody@crm")
        someone_waits()
        workers.kill_all()
    let_time_pass()
    with running_workers(1):
        wait_until(lambda: Outcome.objects.filter(kind="won").exists())

    lead.refresh_from_db()
    assert lead.stage == "won"
    assert Outcome.objects.count() == 1
    assert audit_breaches() == []


def answer_all(lead: Lead, world: World) -> None:
    """The four answers, given while nothing can follow from them yet."""
    from qualification.services.answers import give_answer
    from tests.world import BANT

    for question in world.questions():
        give_answer(lead.pk, question.pk, BANT[question.key], by=lead.owner, evidence="call", confidence=4)


def let_time_pass() -> None:
    """An hour goes by: what waits for its retry or for a lease to end need not be waited for."""
    hour = timedelta(hours=1)
    LeadEvent.objects.filter(handled_at=None).update(recorded_at=F("recorded_at") - hour)
    LeadEvent.objects.filter(handled_at=None, next_try_at__isnull=False).update(next_try_at=F("next_try_at") - hour)
    Capture.objects.exclude(status="accepted").update(received_at=F("received_at") - hour)
    EnrichmentRequest.objects.filter(status="running").update(started_at=F("started_at") - hour)
    Notification.objects.update(created_at=F("created_at") - hour, claimed_at=F("claimed_at") - hour)
    OutboxEntry.objects.update(not_before=F("not_before") - hour, lease_until=F("lease_until") - hour)
    InboxEvent.objects.filter(next_try_at__isnull=False).update(next_try_at=F("next_try_at") - hour)


def assert_told_once(lead: Lead) -> None:
    """One lead, one owner, one assignment, each message once, nothing left over."""
    assert lead.owner is not None
    assert Assignment.objects.count() == 1
    assert Notification.objects.filter(user=lead.owner, kind="lead.assigned", way="in_app").count() == 1
    assert Notification.objects.filter(user=lead.owner, kind="lead.assigned", way="email").count() == 1
    assert LeadEvent.objects.filter(lead=lead, kind="lead.captured").count() == 1
    assert LeadEvent.objects.filter(lead=lead, kind="lead.assigned").count() == 1
    assert not LeadEvent.objects.filter(needs_step=True, handled_at=None).exists()
    assert audit_breaches() == []
