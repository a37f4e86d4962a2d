"""Several workers at once, on the real database: one owner per lead, no cap passed, no balance lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection, transaction

from leadmgmt.core.errors import DomainError
from leads.models import Lead, LeadEvent, User
from routing.models import Assignment, Certificate, LedgerEntry, PoolMember, WaitingLead
from routing.services.assign import claim_lead
from routing.services.route import route_lead
from routing.services.waiting import retry_lead
from tests.factories import make_lead, make_pool, make_rep
from tests.routing.things import ALWAYS, is_in, make_rules

pytestmark = pytest.mark.django_db(transaction=True)


def route_as_a_worker(lead_id: int) -> None:
    """The pipeline's transaction around the step."""
    with transaction.atomic(durable=True):
        lead = Lead.objects.lock().get(pk=lead_id)
        route_lead(lead, LeadEvent(lead=lead, kind="lead.scored"))


def at_once(threads: int, work: Callable[[int], object], *jobs: list[int]) -> None:
    """Each thread does its jobs, all starting at the same moment; errors are raised here."""
    barrier = Barrier(threads)

    def run(mine: list[int]) -> None:
        try:
            barrier.wait(20)
            for job in mine:
                work(job)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(run, mine) for mine in jobs]:
            done.result()


def test_sixteen_workers_route_one_lead_once() -> None:
    pool = make_pool(*(make_rep() for _ in range(4)))
    make_rules(("All", ALWAYS, pool))
    lead = make_lead()

    at_once(16, route_as_a_worker, *([lead.pk] for _ in range(16)))

    assert Assignment.objects.count() == 1
    assert Certificate.objects.count() == 1
    assert LeadEvent.objects.filter(kind="lead.assigned").count() == 1
    assert sum(PoolMember.objects.values_list("balance", flat=True)) == 0


def test_eight_workers_pass_no_cap_and_lose_no_lead() -> None:
    """Two pools with the same reps: a cap counts over both, and neither waits for the other for ever."""
    reps = [make_rep(max_open_leads=20) for _ in range(6)]
    one, two = make_pool(*reps), make_pool(*reversed(reps))
    make_rules(("Demo", is_in("lead.subject", "demo"), one), ("Rest", ALWAYS, two))
    leads = [make_lead(subject="demo" if number % 2 else "pricing").pk for number in range(200)]

    at_once(8, route_as_a_worker, *(leads[start::8] for start in range(8)))

    held = [Lead.objects.filter(owner=rep.user).count() for rep in reps]
    assert held == [20] * 6
    assert Assignment.objects.count() == 120
    assert WaitingLead.objects.count() == 80
    for pool in (one, two):
        members = pool.members.all()
        assert sum(member.balance for member in members) == 0
        for member in members:
            entries = LedgerEntry.objects.filter(pool=pool, rep=member.rep).values_list("amount", flat=True)
            assert sum(entries, Decimal()) == member.balance


def test_of_many_who_claim_a_lead_one_gets_it() -> None:
    users = [make_rep().user for _ in range(10)]
    lead = make_lead()
    refused = []

    def claim(user_id: int) -> None:
        try:
            claim_lead(lead.pk, by=User.objects.get(pk=user_id))
        except DomainError as error:
            refused.append(str(error))

    at_once(10, claim, *([user.pk] for user in users))

    winner = Lead.objects.get(pk=lead.pk).owner
    assert len(refused) == 9
    assert set(refused) == {f"{winner} has this lead already."}
    assert Assignment.objects.get(lead=lead).user == winner


def test_the_clock_and_a_person_do_not_both_give_a_waiting_lead() -> None:
    rep, person = make_rep(is_accepting=False), make_rep()
    pool = make_pool(rep)
    make_rules(("All", ALWAYS, pool))
    lead = make_lead()
    route_as_a_worker(lead.pk)
    rep.is_accepting = True
    rep.save()

    def give(who: int) -> None:
        try:
            if who:
                claim_lead(lead.pk, by=person.user)
            else:
                retry_lead(lead.pk, lead.captured_at)
        except DomainError:
            pass

    at_once(2, give, [0], [1])

    assignment = Assignment.objects.get(lead=lead, ends_at__isnull=True)
    assert Lead.objects.get(pk=lead.pk).owner == assignment.user
    assert Assignment.objects.count() == 1
    assert not WaitingLead.objects.filter(left_at__isnull=True).exists()
