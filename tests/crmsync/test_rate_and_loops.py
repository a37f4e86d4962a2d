"""A CRM is called as fast as it allows, and two writers that answer each other are stopped."""

from collections import Counter
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
    waits = [rate.take(linked, LIMITED, rate.CALLS, at) for _ in range(22)]
    assert waits[0] == pytest.approx(0.2)
    assert max(waits) == pytest.approx(2.1)
    assert taken(linked, LIMITED, at + timedelta(seconds=3)) == 10


def test_a_crm_without_a_limit_has_no_bucket_until_it_complains(linked):
    at = now()
    assert rate.take(linked, CAPABILITIES, rate.CALLS, at) == 0
    assert not RateBucket.objects.exists()

    rate.complain(linked, CAPABILITIES, rate.CALLS, 7, at)

    assert rate.take(linked, CAPABILITIES, rate.CALLS, at + timedelta(seconds=4)) > rate.LONGEST_WAIT
    assert rate.take(linked, CAPABILITIES, rate.CALLS, at + timedelta(seconds=7.5)) == 0


def calls(connection, start, *, seconds, a_second, refused):
    """A worker that would make so many calls a second; the CRM complains where ``refused(number, at)``.

    Returns how many went.
    """
    at, went = start, 0
    while at < start + timedelta(seconds=seconds):
        wait = rate.take(connection, LIMITED, rate.CALLS, at)
        at += timedelta(seconds=wait)
        if wait > rate.LONGEST_WAIT:
            continue
        went += 1
        if refused(went, at):
            rate.complain(connection, LIMITED, rate.CALLS, 1, at)
        at += timedelta(seconds=1 / a_second)
    return went


def test_many_complaints_bring_the_rate_down_to_what_the_crm_takes_and_quiet_lets_it_grow_again(linked):
    start, minute = now(), Counter()

    def is_over(went, at):
        """The CRM takes three a second, not ten."""
        minute[int((at - start).total_seconds())] += 1
        return minute[int((at - start).total_seconds())] > 3

    calls(linked, start, seconds=120, a_second=20, refused=is_over)
    assert 2 <= RateBucket.objects.get().rate <= 5

    rate.take(linked, LIMITED, rate.CALLS, start + timedelta(minutes=5))
    assert RateBucket.objects.get().rate == 10


def test_a_crm_that_refuses_one_call_of_thirty_whatever_the_rate_is_still_called(linked):
    # Each refusal asks for a second of rest; that is for the one that was refused.
    went = calls(linked, now(), seconds=120, a_second=20, refused=lambda number, at: number % 30 == 0)
    assert went > 120 * 9
    assert RateBucket.objects.get().rate == 10


def test_a_flood_of_complaints_is_not_waited_out(linked):
    at = now()
    for second in range(3):
        rate.take(linked, LIMITED, rate.CALLS, at + timedelta(seconds=second))
        rate.complain(linked, LIMITED, rate.CALLS, 1, at + timedelta(seconds=second))
    assert RateBucket.objects.get().rate == 5


def test_a_longer_wait_that_the_crm_asked_for_is_not_cut_short_by_a_shorter_one(linked):
    at = now()
    rate.complain(linked, LIMITED, rate.CALLS, 30, at)
    rate.complain(linked, LIMITED, rate.CALLS, 1, at)
    assert rate.take(linked, LIMITED, rate.CALLS, at + timedelta(seconds=20)) > rate.LONGEST_WAIT


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
