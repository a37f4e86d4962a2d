"""What becomes known late may correct the route once, and never takes a lead from who works it."""

from datetime import UTC, datetime, timedelta

import pytest

from leadmgmt.core.now import moment
from leads.models import Company, Lead
from routing.models import Assignment, Certificate, LedgerEntry, Pool, PoolMember, SlaClock
from routing.services.accept import accept_lead
from routing.services.touch import note_first_touch
from tests.factories import make_company, make_contact, make_lead, make_policy, make_pool, make_rep
from tests.routing.things import ALWAYS, make_rules, route

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
LARGE = {"fact": "company.staff", "op": "gte", "value": 200}


@pytest.fixture
def pools() -> tuple[Pool, Pool]:
    """Large companies, and the rest, with a promise."""
    make_policy(15, is_default=True)
    pools = make_pool(make_rep()), make_pool(make_rep(), make_rep())
    make_rules(("Large", LARGE, pools[0]), ("Rest", ALWAYS, pools[1]))
    return pools


def routed_small() -> Lead:
    """A lead of a company whose size nobody knows yet, with the rest."""
    lead = make_lead(contact=make_contact(company=make_company()), at=TEN)
    with moment(TEN):
        route(lead)
    return lead


def becomes_large(lead: Lead, after: timedelta) -> None:
    """The size comes in late, and the lead is scored again."""
    Company.objects.update(staff=420)
    with moment(TEN + after):
        route(lead)


def test_a_late_value_corrects_the_route_and_the_ledger(pools: tuple[Pool, Pool]) -> None:
    large, rest = pools
    lead = routed_small()

    becomes_large(lead, timedelta(seconds=5))

    assert lead.owner == large.members.get().rep.user
    assert [one.end_reason for one in Assignment.objects.order_by("starts_at")] == ["corrected", ""]
    assert Certificate.objects.count() == 2
    for pool in (large, rest):
        for member in PoolMember.objects.filter(pool=pool):
            assert member.balance == 0
            assert sum(LedgerEntry.objects.filter(pool=pool, rep=member.rep).values_list("amount", flat=True)) == 0
    clock = SlaClock.objects.get()
    assert (clock.started_at, clock.owned_at) == (TEN, TEN + timedelta(seconds=5))


def test_the_route_is_corrected_only_once(pools: tuple[Pool, Pool]) -> None:
    lead = routed_small()
    becomes_large(lead, timedelta(seconds=5))
    owner = lead.owner

    Company.objects.update(staff=3)
    with moment(TEN + timedelta(seconds=9)):
        route(lead)

    assert lead.owner == owner


def test_a_touched_or_acknowledged_lead_stays(pools: tuple[Pool, Pool]) -> None:
    touched = routed_small()
    accepted = routed_small()
    note_first_touch(touched, TEN + timedelta(seconds=2), touched.owner)
    accept_lead(accepted.pk, accepted.owner, TEN + timedelta(seconds=2))
    owners = touched.owner, accepted.owner

    becomes_large(touched, timedelta(seconds=5))
    becomes_large(accepted, timedelta(seconds=5))

    assert (touched.owner, accepted.owner) == owners
    assert not Assignment.objects.filter(end_reason="corrected").exists()


def test_a_lead_is_not_taken_away_to_wait_nor_long_after(pools: tuple[Pool, Pool]) -> None:
    large, _rest = pools
    early, late = routed_small(), routed_small()
    becomes_large(late, timedelta(hours=1))
    owner = early.owner
    large.members.update(left_at=TEN)

    becomes_large(early, timedelta(seconds=5))

    assert early.owner == owner
    assert late.owner != large.members.get().rep.user
    assert not Assignment.objects.filter(end_reason="corrected").exists()
    assert sum(PoolMember.objects.values_list("balance", flat=True)) == 0
