"""A lead never goes round in circles: not by refusals, not by the clock, not between stand-ins."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from leadmgmt.core.now import moment
from leads.models import Lead
from routing.findings import findings_of
from routing.models import Absence, Assignment, Rep, SlaClock, WaitingLead
from routing.services.absences import hand_over_due
from routing.services.assign import hand_back
from routing.services.plan import NOBODY_WANTS
from routing.services.sla import MOST_HOPS, breach_due, reassign_due
from routing.services.waiting import retry_waiting
from tests.factories import make_lead, make_policy, make_pool, make_rep, make_user
from tests.routing.things import ALWAYS, make_rules, route

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def reps(count: int) -> list[Rep]:
    return [make_rep(make_user("sdr", first_name=f"R{number}")) for number in range(count)]


def held_by(lead: Lead) -> list[int]:
    return list(Assignment.objects.filter(lead=lead).order_by("starts_at", "pk").values_list("user", flat=True))


def test_who_gave_a_lead_back_does_not_get_it_again() -> None:
    make_policy(15, is_default=True)
    make_rules(("All", ALWAYS, make_pool(*reps(4))))
    with moment(BEGIN):
        lead = make_lead(at=BEGIN)
        route(lead)
    for step in range(1, 5):
        lead.refresh_from_db()
        assert lead.owner is not None
        with moment(BEGIN + step * HOUR):
            hand_back(lead.pk, by=lead.owner, reason="Not mine")

    # All four had it once; now it waits and says why, however often it is tried again.
    assert len(set(held_by(lead))) == len(held_by(lead)) == 4
    for hours in range(5, 60, 5):
        with moment(BEGIN + hours * HOUR):
            retry_waiting(BEGIN + hours * HOUR)
    assert WaitingLead.objects.get(lead=lead, left_at__isnull=True).reason == NOBODY_WANTS
    assert len(held_by(lead)) == 4


def test_the_clock_gives_a_lead_on_twice_at_most_and_never_back() -> None:
    make_policy(15, is_default=True, reassign_minutes=10)
    make_rules(("All", ALWAYS, make_pool(*reps(5))))
    with moment(BEGIN):
        lead = make_lead(at=BEGIN)
        route(lead)
    for minutes in range(1, 60 * 24, 7):
        at = BEGIN + timedelta(minutes=minutes)
        with moment(at):
            breach_due(at)
            reassign_due(at)

    assert len(held_by(lead)) == 1 + MOST_HOPS
    assert len(set(held_by(lead))) == 1 + MOST_HOPS
    assert SlaClock.objects.get(lead=lead).reassigned == MOST_HOPS


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_nobody_gets_a_lead_from_the_rules_twice(seed: int) -> None:
    """Refusals, late promises, retries, switches, in any order."""
    chance = random.Random(seed)
    make_policy(15, is_default=True, reassign_minutes=10)
    people = reps(5)
    make_rules(("All", ALWAYS, make_pool(*people)))
    with moment(BEGIN):
        leads = [make_lead(at=BEGIN) for _ in range(4)]
        for lead in leads:
            route(lead)
    at = BEGIN
    for _step in range(60):
        at += timedelta(minutes=chance.randint(1, 40))
        with moment(at):
            breach_due(at)
            reassign_due(at)
            retry_waiting(at)
            if chance.random() < 0.3:
                one = chance.choice(people)
                Rep.objects.filter(pk=one.pk).update(is_accepting=chance.random() < 0.6)
            lead = chance.choice(leads)
            lead.refresh_from_db()
            if lead.owner is not None and chance.random() < 0.3:
                hand_back(lead.pk, by=lead.owner, reason="Not mine")
    for lead in leads:
        holders = held_by(lead)
        assert all(one != other for one, other in pairwise(holders))
        assert len(set(holders)) == len(holders)


def away(rep: Rep, cover: Rep | None, start: int = 1, days: int = 5, **more: bool) -> Absence:
    return Absence.objects.create(
        rep=rep, cover=cover, starts_at=BEGIN + start * HOUR, ends_at=BEGIN + timedelta(days=days), **more
    )


def circles(*people: Rep) -> list[str]:
    draft = make_rules(("All", ALWAYS, make_pool(*people)), status="draft", version=9)
    with moment(BEGIN):
        return [one.title for one in findings_of(draft) if "circle" in one.title]


def test_people_who_stand_in_for_each_other_are_found_before_publishing() -> None:
    ann, ben, cem = reps(3)
    away(ann, ben)
    away(ben, cem)
    away(cem, ann)

    (title,) = circles(ann, ben, cem)

    assert title.endswith(f"{ann} → {ben} → {cem} → {ann}.")


def test_absences_that_never_overlap_are_no_circle() -> None:
    ann, ben = reps(2)
    Absence.objects.create(rep=ann, cover=ben, starts_at=BEGIN + HOUR, ends_at=BEGIN + 2 * HOUR)
    Absence.objects.create(rep=ben, cover=ann, starts_at=BEGIN + 3 * HOUR, ends_at=BEGIN + 4 * HOUR)

    assert circles(ann, ben) == []


def test_two_who_hand_over_to_each_other_do_so_once() -> None:
    make_policy(15, is_default=True)
    ann, ben = reps(2)
    make_rules(("All", ALWAYS, make_pool(ann, ben)))
    leads = [make_lead(owner=one.user, at=BEGIN) for one in (ann, ben)]
    away(ann, ben, hands_over=True)
    away(ben, ann, hands_over=True)
    for hours in range(1, 30):
        with moment(BEGIN + hours * HOUR):
            hand_over_due(BEGIN + hours * HOUR)

    for lead in leads:
        assert len(held_by(lead)) <= 3


def test_a_fallback_that_can_help_nobody_is_found() -> None:
    ann, ben = reps(2)
    first, second, empty = make_pool(ann, ben), make_pool(ben, name="Second"), make_pool(name="Empty")
    draft = make_rules(("A", ALWAYS, first), ("B", ALWAYS, first), status="draft", version=9)
    one, other = draft.rules.order_by("position")
    one.fallback_pool, other.fallback_pool = second, empty
    one.save()
    other.save()

    titles = [found.title for found in findings_of(draft)]

    assert "Rule 1 falls back on the same people." in titles
    assert "Rule 2 falls back on a pool without people." in titles
