"""Taking from a team's queue, and asking a turn back."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections, transaction
from django.utils import timezone

from leadmgmt.core.errors import InvalidInput, NotPermitted
from leads.models import Lead, LeadEvent
from routing.models import CreditClaim, LedgerEntry, Pool, PoolMember, Rep, SlaClock
from routing.pages.pools import picked_out_of_turn
from routing.services.assign import NotAssignable, claim_lead, hand_back
from routing.services.claims import queue_of, take_next
from routing.services.credit import NotCreditable, ask_credit, decide_credit
from tests.factories import make_lead, make_policy, make_pool, make_rep, make_team, make_user
from tests.routing.things import ALWAYS, make_rules, page, route, signed_in

pytestmark = pytest.mark.django_db


def rep(name: str, **fields: object) -> Rep:
    return make_rep(make_user("sdr", first_name=name, last_name="X", team=make_team("dach")), **fields)


def queue(*reps: Rep, leads: int = 3) -> tuple[Pool, list[Lead]]:
    """A queue with leads; the one that came last has the promise that ends first."""
    make_policy(60, is_default=True)
    pool = make_pool(*reps, strategy="claim", team=reps[0].user.team)
    make_rules(("All", ALWAYS, pool))
    waiting = [make_lead() for _ in range(leads)]
    for number, lead in enumerate(waiting):
        with transaction.atomic():
            route(lead)
        due = timezone.now() + timedelta(hours=9 - number)
        SlaClock.objects.filter(lead=lead).update(due_at=due)
    return pool, waiting


def test_the_next_one_is_the_one_whose_promise_ends_first() -> None:
    ann = rep("Ann")
    pool, leads = queue(ann)
    assert [one.lead_id for one in queue_of(pool.pk)] == [lead.pk for lead in reversed(leads)]

    taken = take_next(pool.pk, by=ann.user)

    assert taken == leads[2]
    leads[2].refresh_from_db()
    assert leads[2].owner == ann.user
    assert leads[2].assignments.get().reason == "claim"
    assert [one.lead_id for one in queue_of(pool.pk)] == [leads[1].pk, leads[0].pk]
    assert sum(PoolMember.objects.values_list("balance", flat=True)) == 0
    assert "passed_over" not in LeadEvent.objects.get(lead=taken, kind="lead.assigned").data


def test_who_picks_another_is_counted() -> None:
    ann = rep("Ann")
    pool, leads = queue(ann)
    claim_lead(leads[0].pk, by=ann.user)
    take_next(pool.pk, by=ann.user)
    assert LeadEvent.objects.get(lead=leads[0], kind="lead.assigned").data["passed_over"] == 2
    assert picked_out_of_turn(pool, timezone.now()) == [("Ann X", 1, 2)]


def test_an_empty_queue_a_strangers_queue_and_a_full_rep() -> None:
    ann, full = rep("Ann"), rep("Full", max_open_leads=0)
    pool, leads = queue(ann, full, leads=1)
    with pytest.raises(NotAssignable, match="not yours"):
        take_next(pool.pk, by=rep("Other").user)
    with pytest.raises(NotAssignable, match="At the cap"):
        take_next(pool.pk, by=full.user)
    take_next(pool.pk, by=ann.user)
    with pytest.raises(NotAssignable, match="empty"):
        take_next(pool.pk, by=ann.user)
    assert Lead.objects.get(pk=leads[0].pk).owner == ann.user


def test_a_lead_that_was_given_back_is_not_served_to_the_same_person_again() -> None:
    ann = rep("Ann")
    pool, leads = queue(ann, leads=2)
    first = take_next(pool.pk, by=ann.user)
    hand_back(first.pk, by=ann.user, reason="not mine")
    assert take_next(pool.pk, by=ann.user) == leads[0]


@pytest.mark.django_db(transaction=True)
def test_many_who_press_at_once_get_different_leads() -> None:
    reps = [rep(f"R{number}") for number in range(4)]
    pool, leads = queue(*reps, leads=4)
    taken: list[int] = []

    def press(one: Rep) -> None:
        try:
            taken.append(take_next(pool.pk, by=one.user).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[one]) for one in reps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == sorted(lead.pk for lead in leads)
    assert sum(PoolMember.objects.values_list("balance", flat=True)) == 0


def test_the_queue_is_taken_from_on_its_page_and_on_the_reps_own() -> None:
    ann = rep("Ann")
    pool, leads = queue(ann)
    client = signed_in(ann.user)
    assert "Take the next one" in page(client, "routing:pool_detail", pool.slug)
    assert f"Take the next of {pool.name} (3)" in page(client, "qualification:queue")
    answer = client.post(f"/routing/pools/{pool.slug}/next/")
    assert answer["Location"] == f"/leads/{leads[2].pk}/"


def shared(*reps: Rep) -> tuple[Pool, Lead]:
    pool = make_pool(*reps)
    make_rules(("All", ALWAYS, pool))
    lead = make_lead()
    route(lead)
    return pool, lead


def balances(pool: Pool) -> dict[str, Decimal]:
    return {str(one.rep): one.balance for one in PoolMember.objects.filter(pool=pool).select_related("rep__user")}


def test_a_turn_is_given_back_by_somebody_else_and_the_ledger_says_why() -> None:
    ann, ben, cem = rep("Ann"), rep("Ben"), rep("Cem")
    pool, lead = shared(ann, ben, cem)
    assert lead.owner is not None
    before = balances(pool)
    claim = ask_credit(lead.pk, by=lead.owner, why="spam", note="asdf")

    with pytest.raises(NotPermitted):
        decide_credit(claim.pk, by=lead.owner, grant=True)
    boss = make_user("team_lead")
    decide_credit(claim.pk, by=boss, grant=True, answer="Clearly.")

    after = balances(pool)
    name = str(lead.owner)
    assert after[name] == before[name] + 1
    assert {round(after[one] - before[one], 6) for one in after if one != name} == {Decimal("-0.5")}
    assert sum(after.values()) == 0
    notes = LedgerEntry.objects.filter(lead=lead, kind="credit").values_list("note", flat=True)
    assert set(notes) == {"Turn given back: the lead was none"}
    with pytest.raises(NotCreditable, match="decided already"):
        decide_credit(claim.pk, by=boss, grant=True)


def test_a_refusal_moves_nothing_and_nobody_asks_twice() -> None:
    ann, ben = rep("Ann"), rep("Ben")
    pool, lead = shared(ann, ben)
    assert lead.owner is not None
    before = balances(pool)
    claim = ask_credit(lead.pk, by=lead.owner, why="unreachable")
    decide_credit(claim.pk, by=make_user("admin"), grant=False)
    assert balances(pool) == before
    with pytest.raises(NotCreditable, match="already"):
        ask_credit(lead.pk, by=lead.owner, why="spam")


def test_only_a_lead_that_a_turn_gave_can_be_asked_back_and_with_a_reason() -> None:
    ann, ben = rep("Ann"), rep("Ben")
    _pool, lead = shared(ann, ben)
    assert lead.owner is not None
    other = ben if lead.owner == ann.user else ann
    with pytest.raises(NotCreditable, match="No pool"):
        ask_credit(lead.pk, by=other.user, why="spam")
    with pytest.raises(InvalidInput):
        ask_credit(lead.pk, by=lead.owner, why="nonsense")
    with pytest.raises(InvalidInput):
        ask_credit(lead.pk, by=lead.owner, why="other")


def test_a_rep_alone_in_a_pool_gets_no_turn_back_as_there_was_none() -> None:
    pool, lead = shared(rep("Ann"))
    assert lead.owner is not None
    claim = ask_credit(lead.pk, by=lead.owner, why="spam")
    decide_credit(claim.pk, by=make_user("admin"), grant=True)
    assert balances(pool) == {"Ann X": 0}


def test_asking_and_deciding_on_the_pages() -> None:
    ann, ben = rep("Ann"), rep("Ben")
    pool, lead = shared(ann, ben)
    assert lead.owner is not None
    client = signed_in(lead.owner)
    assert "This was no lead" in page(client, "routing:lead_panel", lead.pk)
    client.post(f"/routing/leads/{lead.pk}/credit/", {"why": "spam", "note": "asdf"})
    assert "Turn asked back" in page(client, "routing:lead_panel", lead.pk)
    boss = signed_in(make_user("admin"))
    assert "asdf" in page(boss, "routing:pool_detail", pool.slug)
    boss.post(f"/routing/credits/{CreditClaim.objects.get().pk}/", {"decide": "grant"})
    assert CreditClaim.objects.get().state == "granted"
