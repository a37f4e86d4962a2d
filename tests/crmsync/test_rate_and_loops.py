"""A CRM is called as fast as it allows, and two writers that answer each other are stopped."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crmsync.adapters.errors import RateLimited
from crmsync.models import AuditRow, Link, OutboxEntry, RateBucket
from crmsync.services import rate
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.now import moment, now
from tests.crmsync.conformance.steps import rename
from tests.crmsync.memory import CAPABILITIES
from tests.crmsync.things import converted, later

pytestmark = pytest.mark.django_db

LIMITED = replace(CAPABILITIES, calls_per_second=10)


def taken(connection, can, at):
    """How many calls go at this instant."""
    count = 0
    while rate.take(connection, can, rate.CALLS, at) == 0:
        count += 1
        assert count < 1000
    return count


def test_no_more_calls_go_than_the_vendor_allows(linked):
    at = now()

    assert taken(linked, LIMITED, at) == 20
    # Each who asks now is told when it is their turn, one after another, until that is too far off.
    waits = [rate.take(linked, LIMITED, rate.CALLS, at) for _ in range(12)]
    assert waits[0] == pytest.approx(0.2)
    assert max(waits) == pytest.approx(1.1)
    assert taken(linked, LIMITED, at + timedelta(seconds=2)) == 10


def test_a_crm_without_a_limit_has_no_bucket_until_it_complains(linked):
    at = now()
    assert rate.take(linked, CAPABILITIES, rate.CALLS, at) == 0
    assert not RateBucket.objects.exists()

    rate.complain(linked, CAPABILITIES, rate.CALLS, 7, at)

    assert rate.take(linked, CAPABILITIES, rate.CALLS, at + timedelta(seconds=5)) > rate.LONGEST_WAIT
    assert rate.take(linked, CAPABILITIES, rate.CALLS, at + timedelta(seconds=7.5)) == 0


def test_a_complaint_halves_the_rate_and_quiet_lets_it_grow_again(linked):
    at = now()
    rate.complain(linked, LIMITED, rate.CALLS, 1, at)
    assert RateBucket.objects.get().rate == 5

    for minute in range(1, 6):
        rate.take(linked, LIMITED, rate.CALLS, at + timedelta(minutes=minute))

    assert RateBucket.objects.get().rate == 10


def test_a_bucket_of_a_crm_without_a_limit_goes_when_it_is_free_again(linked):
    at = now()
    rate.complain(linked, CAPABILITIES, rate.CALLS, 1, at)

    for minute in range(1, 30):
        rate.take(linked, CAPABILITIES, rate.CALLS, at + timedelta(minutes=minute))

    assert not RateBucket.objects.exists()


def test_while_the_crm_says_too_many_nobody_else_calls_it(crm, linked):
    for _ in range(3):
        converted()
    crm.faults["upsert"] = [RateLimited(retry_after=30)]

    push_connection(linked.pk)

    assert crm.calls.count("upsert") == 1
    with later(seconds=20):
        push_connection(linked.pk)
    assert crm.calls.count("upsert") == 1
    with later(minutes=2):
        push_connection(linked.pk)
    with later(minutes=4):
        push_connection(linked.pk)
    assert set(OutboxEntry.objects.filter(connection=linked).values_list("state", flat=True)) == {"done"}


def test_an_automation_that_answers_each_of_our_writes_is_stopped_and_both_are_named(crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    at = now()
    for number in range(10):
        with moment(at + timedelta(seconds=20 * number)):
            rename(opportunity, f"Ours {number}")
            push_connection(linked.pk)
            crm.edit(crm.only().remote_id, by="automation", name="THEIRS")
            pull_connection(linked.pk)

    link = Link.objects.get(connection=linked)
    assert link.state == "quarantined"
    row = AuditRow.objects.get(rule="loop")
    assert row.changes["field"] == "name"
    assert row.changes["writers"][0] == "leadmgmt"
    assert OutboxEntry.objects.filter(state="waiting").exists()


def test_a_person_who_edits_often_is_no_loop(crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    for number in range(12):
        rename(opportunity, f"Ours {number}")
        push_connection(linked.pk)

    assert Link.objects.get(connection=linked).state == "linked"
    assert crm.only().values["name"] == "Ours 11"


def test_what_a_turn_cost_is_waited_for(linked):
    at = now()
    assert rate.take(linked, LIMITED, rate.CALLS, at) == 0
    rate.charge(linked, rate.CALLS, 4, at)
    assert taken(linked, LIMITED, at) == 15

    # What the CRM complained about is waited for already.
    rate.complain(linked, LIMITED, rate.CALLS, 1, at)
    before = RateBucket.objects.get().tokens
    rate.charge(linked, rate.CALLS, 4, at)
    assert RateBucket.objects.get().tokens == before
