"""Several at once, on the real database: one opportunity, one decision, one record."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from django.db import connections

from crmsync.adapters.errors import Unsent
from crmsync.models import BoardDeal, Connection, Handoff, Link, Opportunity, OutboxEntry, RateBucket
from crmsync.services import breaker, rate
from crmsync.services.convert import convert_lead
from crmsync.services.handoff import accept_handoff, refuse_handoff
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads.models import Lead
from tests.crmsync.memory import CAPABILITIES, MemoryCrm, connect
from tests.crmsync.things import deal_of, kinds, make_crm, make_sql, on_the_board, read
from tests.factories import make_user
from tests.worker import drain, running_workers, wait_until, writing_blocked

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works):
    """Run all of them at the same instant; returns results and refusals."""
    start = Barrier(len(works))

    def run(work):
        try:
            start.wait()
            return work()
        except DomainError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_eight_conversions_at_once_make_one_opportunity():
    make_crm()
    make_user("ae")
    lead = make_sql()

    found = at_once(*[lambda: convert_lead(lead.pk, by=lead.owner).pk] * 8)

    assert set(found) == {Opportunity.objects.get().pk}
    assert Handoff.objects.count() == 1
    assert OutboxEntry.objects.count() == 1
    assert kinds(lead).count("stage.opportunity") == 1


def test_conversions_at_once_are_spread_over_the_aes():
    make_crm()
    aes = [make_user("ae") for _ in range(4)]
    leads = [make_sql() for _ in range(8)]

    at_once(*[lambda lead=lead: convert_lead(lead.pk, by=lead.owner) for lead in leads])

    assert sorted(Opportunity.objects.filter(owner=ae).count() for ae in aes) == [2, 2, 2, 2]


def test_accepting_and_refusing_at_once_leaves_one_decision():
    make_crm()
    ae = make_user("ae")
    lead = make_sql()
    handoff = convert_lead(lead.pk, by=lead.owner).handoffs.get()

    found = at_once(
        lambda: accept_handoff(handoff.pk, by=ae), lambda: refuse_handoff(handoff.pk, by=ae, reason="no-fit")
    )

    refusals = [one for one in found if isinstance(one, DomainError)]
    assert len(refusals) == 1
    assert "already" in str(refusals[0])
    status = Handoff.objects.get().status
    assert (status, read(lead).stage) in {("accepted", "opportunity"), ("refused", "recycled")}


def test_many_workers_push_each_record_once():
    make_crm()
    Connection.objects.update(mode="off")
    crm = MemoryCrm()
    linked = connect(crm)
    make_user("ae")
    for lead in [make_sql() for _ in range(10)]:
        convert_lead(lead.pk, by=lead.owner)

    at_once(*[lambda: push_connection(linked.pk)] * 4)

    assert crm.calls.count("upsert") == 10
    assert len(crm.records) == 10
    assert set(OutboxEntry.objects.values_list("state", flat=True)) == {"done"}


def test_many_workers_pull_the_same_change_once():
    crm = make_crm()
    make_user("ae")
    lead = make_sql()
    opportunity = convert_lead(lead.pk, by=lead.owner)
    drain()
    on_the_board(deal_of(opportunity), "Lost", lost_reason="Price")

    at_once(*[lambda: pull_connection(crm.pk)] * 4)

    assert read(lead).stage == "recycled"
    assert kinds(lead).count("stage.recycled") == 1
    assert kinds(lead).count("opportunity.lost") == 1


@pytest.mark.slow
@pytest.mark.parametrize("table", ["crmsync_boarddeal", "crmsync_link", "crmsync_auditrow"])
def test_a_worker_killed_in_the_middle_of_a_push_is_followed_by_one_that_finishes(table, monkeypatch):
    make_crm()
    make_user("ae")
    lead = make_sql()
    convert_lead(lead.pk, by=lead.owner)

    with running_workers(1, clock=False) as workers, writing_blocked(table) as somebody_waits:
        somebody_waits()
        workers.kill_all()
    entry = OutboxEntry.objects.get()
    assert entry.state == "leased"
    # The dead worker's session has to end before its locks are gone.
    wait_until(lambda: BoardDeal.objects.count() <= 1)
    OutboxEntry.objects.update(lease_until=entry.created_at)
    push_connection(entry.connection_id)

    assert OutboxEntry.objects.get().state == "done"
    assert BoardDeal.objects.count() == 1
    assert Link.objects.get().remote_id == str(BoardDeal.objects.get().pk)
    assert Lead.objects.get(pk=lead.pk).stage == "opportunity"


def test_a_bucket_that_is_removed_while_others_ask_for_it_is_made_anew():
    crm = make_crm()
    without_limit = replace(CAPABILITIES, calls_per_second=None)

    def call_and_complain():
        for _ in range(40):
            rate.complain(crm, without_limit, rate.CALLS, 0, now())
            rate.take(crm, without_limit, rate.CALLS, now())
        return "asked"

    def remove():
        for _ in range(400):
            RateBucket.objects.filter(connection=crm).delete()
        return "removed"

    assert at_once(call_and_complain, call_and_complain, remove) == ["asked", "asked", "removed"]


def test_a_failure_is_noted_while_another_worker_finds_that_all_is_well():
    crm = make_crm()

    def fail():
        for _ in range(40):
            breaker.note_failure(crm, breaker.WRITES, Unsent("refused"), now())
        return "failed"

    def pass_by():
        for _ in range(200):
            breaker.forget(crm.pk)
        return "passed"

    assert at_once(fail, fail, pass_by) == ["failed", "failed", "passed"]
