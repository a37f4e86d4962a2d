"""Every kind of cap in a replay: what a draft would have done is what it does when it really decides."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from leadmgmt.core.now import moment
from leads.models import Lead
from routing.models import Rep, RepCap, RuleSet
from routing.replay.run import simulate
from tests.factories import make_contact, make_lead, make_pool
from tests.routing.test_replay import MONDAY, rep, since_ever
from tests.routing.things import ALWAYS, is_in, make_rules, route

pytestmark = pytest.mark.django_db
COUNTRIES = ("CH", "DE", "AT")


def arrivals(seed: int) -> list[tuple[timedelta, str]]:
    chance, at, found = random.Random(seed), timedelta(), []
    for _lead in range(60):
        at += timedelta(minutes=chance.choice([1, 5, 20, 90, 600]))
        found.append((at, chance.choice(COUNTRIES)))
    return found


def came(seed: int) -> list[Lead]:
    """The arrivals, routed by whatever decides."""
    leads = []
    for after, country in arrivals(seed):
        with moment(MONDAY + after):
            lead = make_lead(at=MONDAY + after, contact=make_contact(country=country))
            route(lead)
        leads.append(lead)
    return leads


def decide_by(rule_set: RuleSet) -> None:
    RuleSet.objects.filter(status="published").update(status="archived")
    RuleSet.objects.filter(pk=rule_set.pk).update(status="published")


@pytest.mark.parametrize(
    "caps",
    [
        {"max_per_hour": 2},
        {"max_per_day": 3},
        {"max_per_week": 7},
        {"max_per_hour": 3, "max_per_day": 5, "max_per_week": 11},
        {"kind": "hour", "most": 1},
        {"kind": "day", "most": 2},
        {"kind": "week", "most": 4},
        {"kind": "open", "most": 5},
        {"kind": "day", "most": 1, "max_per_day": 4, "time_zone": "Pacific/Auckland"},
    ],
)
def test_a_replay_of_a_draft_with_caps_is_what_the_draft_does(caps: dict[str, Any]) -> None:
    ann, ben, cem = rep("Ann"), rep("Ben"), rep("Cem")
    kind, zone = caps.pop("kind", None), caps.pop("time_zone", "")
    if kind:
        RepCap.objects.create(
            rep=ben, name="Swiss", condition=is_in("contact.country", "CH"), per=kind, most=caps.pop("most")
        )
    if zone:
        ben.user.time_zone = zone
        ben.user.save()
    Rep.objects.filter(pk=ben.pk).update(**caps)
    old, new, spare = make_pool(ann, name="Old"), make_pool(ben, name="New"), make_pool(cem, name="Spare")
    live = make_rules(("All", ALWAYS, old))
    draft = make_rules(("All", ALWAYS, new), version=2, status="draft")
    draft.rules.update(fallback_pool=spare)
    since_ever()
    with transaction.atomic():
        decide_by(draft)
        really = [lead.owner_id for lead in came(5)]
        transaction.set_rollback(True)
    assert {ben.user_id, cem.user_id} == set(really)
    leads = came(5)
    assert {lead.owner_id for lead in leads} == {ann.user_id}

    _tally, simulation = simulate(draft, MONDAY, MONDAY + timedelta(days=30))

    users = {one.pk: one.user_id for one in (ann, ben, cem)}
    assert [users[simulation.outcomes[lead.pk].rep or 0] for lead in leads] == really
    assert live.pk != draft.pk
