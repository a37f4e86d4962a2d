"""What goes wrong between us and a CRM: nothing is lost, nothing happens twice, order is kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crmsync.adapters import errors
from crmsync.due import push_due
from crmsync.models import Breaker, Conflict, Link, Opportunity, OutboxEntry
from crmsync.services.claim import LEASE, MAX_ATTEMPTS, claim_next
from crmsync.services.handoff import refuse_handoff
from crmsync.services.outbox import record_change
from crmsync.services.repair import retry_entries
from crmsync.services.send import send
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.now import now
from tests.crmsync.conformance.steps import rename
from tests.crmsync.memory import Killed, MemoryCrm, connect
from tests.crmsync.things import converted, later, read
from tests.worker import lose_jobs

pytestmark = pytest.mark.django_db


def entry_of(opportunity):
    return OutboxEntry.objects.filter(opportunity=opportunity).order_by("-seq").first()


@pytest.mark.parametrize("idempotency", ["unique_key", "none"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_around_the_send_leaves_one_record_and_a_finished_entry(crm, linked, idempotency, when):
    crm.can = replace(crm.can, create_idempotency=idempotency)
    _, opportunity = converted()
    crm.faults["upsert"] = [Killed() if when == "before" else ("after", Killed())]

    with pytest.raises(Killed):
        push_connection(linked.pk)
    assert entry_of(opportunity).state == "leased"
    assert push_connection(linked.pk) == "0 sent"

    with later(seconds=LEASE.total_seconds() + 1):
        push_connection(linked.pk)

    assert entry_of(opportunity).state == "done"
    assert crm.only().values["name"] == opportunity.name
    assert Link.objects.get().remote_id == crm.only().remote_id


@pytest.mark.parametrize("idempotency", ["unique_key", "none"])
def test_a_reply_lost_after_the_commit_makes_no_second_record(crm, linked, idempotency):
    crm.can = replace(crm.can, create_idempotency=idempotency)
    _, opportunity = converted()
    crm.faults["upsert"] = [("after", errors.Ambiguous("reset"))]

    push_connection(linked.pk)
    assert entry_of(opportunity).state == "verify"
    with later(minutes=16):
        push_connection(linked.pk)

    assert len(crm.records) == 1
    assert entry_of(opportunity).state == "done"


def test_a_commit_that_comes_later_than_our_patience_is_waited_for(crm, linked):
    crm.can = replace(crm.can, create_idempotency="none", max_in_flight=timedelta(minutes=30))
    _, opportunity = converted()
    crm.faults["upsert"] = [("after", errors.Ambiguous("timeout"))]
    push_connection(linked.pk)
    found, crm.records = dict(crm.records), {}

    with later(minutes=16):
        push_connection(linked.pk)
    assert crm.calls.count("find_by_key") == 0
    crm.records = found
    with later(minutes=31):
        push_connection(linked.pk)

    assert len(crm.records) == 1
    assert crm.calls.count("upsert") == 1
    assert entry_of(opportunity).state == "done"


def test_two_records_with_our_key_are_quarantined_and_nothing_is_sent(crm, linked):
    crm.can = replace(crm.can, create_idempotency="none")
    _, opportunity = converted()
    crm.faults["upsert"] = [("after", errors.Ambiguous("reset"))]
    push_connection(linked.pk)
    twin = replace(crm.only(), remote_id="twin", modified_at=crm.only().modified_at + timedelta(seconds=1))
    oldest = crm.only().remote_id
    crm.records["twin"] = twin

    with later(minutes=16):
        push_connection(linked.pk)

    link = Link.objects.get()
    assert (link.state, link.remote_id) == ("quarantined", oldest)
    assert (entry_of(opportunity).state, crm.calls.count("upsert")) == ("waiting", 1)


def test_a_repeated_create_does_not_hide_what_a_human_changed_meanwhile(crm, linked):
    lead, opportunity = converted()
    crm.faults["upsert"] = [("after", errors.Ambiguous("reset"))]
    push_connection(linked.pk)
    crm.edit(crm.only().remote_id, stage="Lost", lost_reason="Price")

    with later(minutes=16):
        push_connection(linked.pk)

    assert crm.only().values["stage"] == "Lost"
    assert read(lead).stage == "recycled"
    assert entry_of(opportunity).state == "done"


def test_too_many_requests_wait_as_long_as_told_and_cost_no_attempt(crm, linked):
    _, opportunity = converted()
    crm.faults["upsert"] = [errors.RateLimited(retry_after=10**9)]

    push_connection(linked.pk)

    entry = entry_of(opportunity)
    assert (entry.state, entry.attempts) == ("ready", 0)
    assert timedelta(minutes=59) < entry.not_before - now() <= timedelta(seconds=3601)
    with later(hours=2):
        push_connection(linked.pk)
    assert entry_of(opportunity).state == "done"


def test_values_that_the_crm_refuses_die_at_once_and_block_nobody(crm, linked):
    _, first = converted()
    crm.faults["upsert"] = [errors.Invalid(field_errors={"name": "too long"})]
    _, second = converted()

    push_connection(linked.pk)

    assert (entry_of(first).state, entry_of(first).error) == ("dead", "name: too long")
    assert entry_of(second).state == "done"
    assert not Breaker.objects.exists()
    retry_entries([entry_of(first).pk], by=None)
    push_connection(linked.pk)
    assert entry_of(first).state == "done"


def test_after_the_last_try_the_entry_is_a_dead_letter(crm, linked):
    _, opportunity = converted()
    crm.faults["upsert"] = [errors.Unsent("refused") for _ in range(MAX_ATTEMPTS)]

    for hour in range(1, 40):
        with later(hours=hour):
            push_connection(linked.pk)

    assert (entry_of(opportunity).state, entry_of(opportunity).error_class) == ("dead", "Unsent")
    assert crm.calls.count("upsert") == MAX_ATTEMPTS


def test_an_uncertain_write_costs_one_try_however_often_it_is_looked_up(crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    rename(opportunity, "Another name")
    # One try fewer than are granted, and a look after each, which is answered.
    crm.faults["upsert"] = [errors.Ambiguous("reset") for _ in range(MAX_ATTEMPTS - 1)]

    for hour in range(1, 40):
        with later(hours=hour):
            push_connection(linked.pk)

    assert [entry.state for entry in opportunity.outbox.order_by("pk")] == ["done", "done"]
    assert crm.only().values["name"] == Opportunity.objects.get(pk=opportunity.pk).name


def test_the_last_uncertain_write_is_still_the_last(crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    rename(opportunity, "Another name")
    crm.faults["upsert"] = [errors.Ambiguous("reset") for _ in range(100)]

    for hour in range(1, 60):
        with later(hours=hour):
            push_connection(linked.pk)

    entry = opportunity.outbox.latest("pk")
    assert (entry.state, entry.error_class, entry.attempts) == ("dead", "Ambiguous", MAX_ATTEMPTS)


def test_a_worker_that_dies_each_time_does_not_go_on_for_ever(crm, linked):
    _, opportunity = converted()
    crm.faults["upsert"] = [Killed() for _ in range(100)]

    for hour in range(1, 40):
        with later(hours=hour):
            try:
                push_connection(linked.pk)
            except Killed:
                continue

    assert (entry_of(opportunity).state, entry_of(opportunity).error_class) == ("dead", "WorkerLost")


def test_a_human_edit_between_our_read_and_our_write_survives(crm, linked):
    _lead, opportunity = converted()
    push_connection(linked.pk)
    crm.edit(crm.only().remote_id, amount=77, stage="Demo")
    Opportunity.objects.filter(pk=opportunity.pk).update(name="Another name")
    record_change(Opportunity.objects.get(pk=opportunity.pk), ["name", "amount"], at=now())

    push_connection(linked.pk)

    opportunity.refresh_from_db()
    assert crm.only().values["name"] == "Another name"
    assert (crm.only().values["amount"], crm.only().values["stage"]) == (77, "Demo")
    assert (opportunity.amount, opportunity.remote_stage) == (77, "Demo")
    assert not Conflict.objects.exists()


def test_changes_that_wait_go_out_together_in_one_write(crm, linked):
    _, opportunity = converted()
    for name in ("One", "Two", "Three"):
        Opportunity.objects.filter(pk=opportunity.pk).update(name=name)
        record_change(Opportunity.objects.get(pk=opportunity.pk), ["name"], at=now())

    push_connection(linked.pk)

    assert crm.calls == ["upsert"]
    assert crm.only().values["name"] == "Three"
    states = list(OutboxEntry.objects.order_by("seq").values_list("state", flat=True))
    assert states == ["superseded", "superseded", "superseded", "done"]


def test_a_refusal_is_delivered_after_the_creation(crm, linked):
    _lead, opportunity = converted()
    push_connection(linked.pk)
    refuse_handoff(opportunity.handoffs.get().pk, by=opportunity.owner, reason="no-fit")

    push_connection(linked.pk)

    assert crm.calls == ["upsert", "set_stage"]
    assert crm.only().values["stage"] == "Lost"


def test_a_refusal_wins_over_a_move_that_came_before_it_was_heard_of(crm, linked):
    lead, opportunity = converted()
    push_connection(linked.pk)
    refuse_handoff(opportunity.handoffs.get().pk, by=opportunity.owner, reason="no-fit")
    crm.edit(crm.only().remote_id, stage="Demo")

    push_connection(linked.pk)
    pull_connection(linked.pk)

    assert crm.only().values["stage"] == "Lost"
    assert read(lead).stage == "recycled"
    assert Conflict.objects.get().theirs == "Demo"


def test_a_slow_worker_that_lost_its_lease_changes_nothing_any_more(crm, linked):
    _, opportunity = converted()
    slow = claim_next(linked.pk, now())

    with later(seconds=LEASE.total_seconds() + 1):
        push_connection(linked.pk)
        assert entry_of(opportunity).state == "done"
        send(slow, linked, crm({}, ""))

    assert crm.calls.count("upsert") == 1
    assert entry_of(opportunity).state == "done"


def test_a_deleted_record_keeps_the_opportunity_and_needs_a_person(crm, linked):
    lead, opportunity = converted()
    push_connection(linked.pk)
    crm.records.clear()
    Opportunity.objects.filter(pk=opportunity.pk).update(name="Another name")
    record_change(Opportunity.objects.get(pk=opportunity.pk), ["name"], at=now())

    push_connection(linked.pk)

    assert Link.objects.get().state == "remote_deleted"
    assert entry_of(opportunity).state == "waiting"
    assert read(lead).stage == "opportunity"


def test_two_crms_settle_on_what_one_of_them_says(crm, linked):
    other = MemoryCrm()
    second = connect(other, "second")
    _lead, opportunity = converted()
    for one in (linked, second):
        push_connection(one.pk)
    crm.edit(crm.only().remote_id, amount=55)

    for _ in range(10):
        for one in (linked, second):
            pull_connection(one.pk)
            push_connection(one.pk)

    opportunity.refresh_from_db()
    assert opportunity.amount == 55
    assert crm.calls.count("upsert") + other.calls.count("upsert") <= 3


def test_what_failed_is_nudged_when_its_time_has_come(crm, linked):
    converted()
    crm.faults["upsert"] = [errors.Unsent("refused")]
    push_connection(linked.pk)
    lose_jobs()
    ready = OutboxEntry.objects.get().not_before

    assert push_due(ready - timedelta(milliseconds=1)) == 0
    assert push_due(ready) == 1


def test_what_a_lost_job_forgot_is_nudged_by_the_clock(crm, linked):
    converted()

    assert push_due(now()) == 0
    # While its job still stands in line, it is not lost.
    assert push_due(now() + timedelta(seconds=6)) == 0
    lose_jobs()
    assert push_due(now() + timedelta(seconds=6)) == 1
