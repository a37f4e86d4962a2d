"""Giving leads by hand, and what the ledger and the promise make of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from leadmgmt.core.errors import DomainError, InvalidInput, NotPermitted
from leadmgmt.core.now import moment
from leads.models import LeadEvent
from routing.models import Assignment, LedgerEntry, Pool, PoolMember, Rep, SlaClock, WaitingLead
from routing.services.accept import accept_lead
from routing.services.assign import assign_lead, claim_lead, hand_back
from routing.services.plan import NOBODY_WANTS
from routing.services.waiting import retry_lead
from tests.factories import make_lead, make_policy, make_pool, make_rep, make_team, make_user
from tests.routing.things import ALWAYS, make_rules, route, shift

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def balances(pool: Pool) -> dict[int, Decimal]:
    """Each member's balance, after checking it against the ledger."""
    found = {}
    for member in PoolMember.objects.filter(pool=pool):
        entries = LedgerEntry.objects.filter(pool=pool, rep=member.rep).values_list("amount", flat=True)
        assert sum(entries, Decimal()) == member.balance
        found[member.rep_id] = member.balance
    assert sum(found.values()) == 0
    return found


def test_a_team_lead_gives_a_lead_to_somebody_else_and_the_ledger_follows() -> None:
    one, two = make_rep(), make_rep()
    pool = make_pool(one, two)
    make_rules(("All", ALWAYS, pool))
    lead = make_lead()
    route(lead)
    first = Rep.objects.get(user=lead.owner)
    other = two if first == one else one
    boss = make_user("team_lead")

    assign_lead(lead.pk, other.user, by=boss, reason="Knows them", at=lead.owned_at + timedelta(minutes=5))

    lead.refresh_from_db()
    assert lead.owner == other.user
    assert [(one.user, one.end_reason) for one in Assignment.objects.order_by("starts_at")] == [
        (first.user, "reassigned"),
        (other.user, ""),
    ]
    assert balances(pool) == {first.pk: Decimal("0.5"), other.pk: Decimal("-0.5")}
    event = LeadEvent.objects.filter(kind="lead.assigned").last()
    assert (event.actor, event.data["reason"], event.data["note"]) == (boss, "person", "Knows them")


def test_a_lead_that_leaves_the_pool_by_hand_is_booked_back() -> None:
    pool, outsider = make_pool(make_rep(), make_rep()), make_rep()
    make_rules(("All", ALWAYS, pool))
    lead = make_lead()
    route(lead)

    assign_lead(lead.pk, outsider.user, by=make_user("admin"))

    assert set(balances(pool).values()) == {Decimal(0)}


def test_taking_a_waiting_lead_of_the_pool_is_debited() -> None:
    one, two = make_rep(is_accepting=False), make_rep(is_accepting=False)
    pool = make_pool(one, two)
    make_rules(("All", ALWAYS, pool))
    lead = make_lead()
    route(lead)

    claim_lead(lead.pk, by=one.user)

    lead.refresh_from_db()
    assert lead.owner == one.user
    assert balances(pool) == {one.pk: Decimal("-0.5"), two.pk: Decimal("0.5")}
    assert not WaitingLead.objects.filter(left_at__isnull=True).exists()
    assert Assignment.objects.get().reason == "claim"


def test_claiming_twice_is_claiming_once_and_an_owned_lead_stays() -> None:
    one, two = make_rep(), make_rep()
    lead = make_lead()

    claim_lead(lead.pk, by=one.user)
    claim_lead(lead.pk, by=one.user)
    with pytest.raises(DomainError, match="has this lead already"):
        claim_lead(lead.pk, by=two.user)

    lead.refresh_from_db()
    assert lead.owner == one.user
    assert Assignment.objects.count() == 1


def test_who_may_not_give_leads_changes_nothing() -> None:
    lead, taker = make_lead(), make_rep()

    with pytest.raises(NotPermitted):
        assign_lead(lead.pk, taker.user, by=make_user("sdr"))
    with pytest.raises(DomainError, match="cannot sign in"):
        assign_lead(lead.pk, make_user("sdr", is_active=False), by=make_user("admin"))
    closed = make_lead(stage="disqualified")
    with pytest.raises(DomainError, match="closed"):
        assign_lead(closed.pk, taker.user, by=make_user("admin"))

    assert not Assignment.objects.exists()


def test_a_lead_given_back_goes_to_the_next_with_a_reason_on_record() -> None:
    one, two = make_rep(), make_rep()
    make_rules(("All", ALWAYS, make_pool(one, two)))
    lead = make_lead()
    route(lead)
    first = lead.owner

    with pytest.raises(InvalidInput):
        hand_back(lead.pk, by=first, reason=" ")
    with pytest.raises(NotPermitted):
        hand_back(lead.pk, by=make_user("sdr"), reason="Not mine")
    hand_back(lead.pk, by=first, reason="I know them privately")

    lead.refresh_from_db()
    assert lead.owner in {one.user, two.user} - {first}
    assert LeadEvent.objects.get(kind="lead.handed_back").data == {"note": "I know them privately"}
    assert Assignment.objects.filter(ends_at__isnull=True).count() == 1


def test_a_lead_given_back_by_all_waits_instead_of_coming_back() -> None:
    rep = make_rep()
    make_rules(("All", ALWAYS, make_pool(rep)))
    lead = make_lead()
    route(lead)

    hand_back(lead.pk, by=rep.user, reason="I know them privately")

    lead.refresh_from_db()
    wait = WaitingLead.objects.get(lead=lead)
    assert lead.owner is None
    assert wait.reason == NOBODY_WANTS
    assert wait.certificate.candidates[0]["gate"] == "declined"
    assert not retry_lead(lead.pk, wait.wake_at)
    claim_lead(lead.pk, by=rep.user)
    lead.refresh_from_db()
    assert lead.owner == rep.user


def test_the_promise_goes_on_under_the_new_owners_hours() -> None:
    day, night = make_rep(always=False), make_rep(always=False)
    for weekday in range(5):
        shift(day, weekday, "09:00", "17:00")
        shift(night, weekday, "17:00", "23:00")
    make_policy(60, in_working_time=True, is_default=True)
    make_rules(("All", ALWAYS, make_pool(day)))
    lead = make_lead(at=TEN)
    with moment(TEN):
        route(lead)
    assert SlaClock.objects.get().due_at == TEN + timedelta(hours=1)

    # Twenty minutes of the hour have passed; the night shift begins at 17 o'clock in Berlin.
    assign_lead(lead.pk, night.user, by=make_user("admin"), at=TEN + timedelta(minutes=20))

    assert SlaClock.objects.get().due_at == datetime(2026, 1, 14, 16, 40, tzinfo=UTC)


def test_a_promise_that_was_broken_stays_broken() -> None:
    policy = make_policy(15, is_default=True)
    one, two = make_rep(), make_rep()
    make_rules(("All", ALWAYS, make_pool(one)))
    lead = make_lead(at=TEN)
    with moment(TEN):
        route(lead)
    SlaClock.objects.update(breached_at=TEN + timedelta(minutes=15))

    assign_lead(lead.pk, two.user, by=make_user("admin"), at=TEN + timedelta(hours=1))

    clock = SlaClock.objects.get()
    assert (clock.policy, clock.due_at, clock.breached_at) == (
        policy,
        TEN + timedelta(minutes=15),
        TEN + timedelta(minutes=15),
    )


def test_only_the_owner_acknowledges_and_twice_is_once() -> None:
    rep = make_rep(make_user("sdr", team=make_team("dach")))
    lead = make_lead(owner=rep.user)

    accept_lead(lead.pk, rep.user, TEN)
    accept_lead(lead.pk, rep.user, TEN + timedelta(minutes=1))
    with pytest.raises(DomainError, match="not yours"):
        accept_lead(lead.pk, make_user("sdr"), TEN)

    assert Assignment.objects.get().accepted_at == TEN
    assert LeadEvent.objects.filter(kind="lead.accepted").count() == 1
