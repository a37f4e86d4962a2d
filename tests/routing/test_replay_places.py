"""Replays know what was known then: who owned the account, where a lead was."""

from datetime import timedelta

import pytest
from django.db import connection

from leadmgmt.core.now import moment
from leads.models import Company, Contact
from leads.services.territories import save_table
from routing.replay.run import simulate
from tests.factories import make_company, make_contact, make_lead, make_pool
from tests.routing.test_replay import MONDAY, lead_at, rep, since_ever
from tests.routing.things import ALWAYS, make_rules, route

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_the_owner_of_an_account_is_the_one_of_then() -> None:
    ann, ben, cem = rep("Ann"), rep("Ben"), rep("Cem")
    pool = make_pool(cem, name="Pool")
    make_rules(("All", ALWAYS, pool))
    since_ever()
    company = make_company(account_owner=ann.user)
    leads = []
    for hour in range(2):
        with moment(MONDAY + hour * HOUR):
            lead = make_lead(at=MONDAY + hour * HOUR, contact=make_contact(company=company))
            route(lead)
            leads.append(lead.pk)
        Company.objects.update(account_owner=ben.user)
    Company.objects.update(account_owner=None)
    draft = make_rules(("Accounts", ALWAYS, ("account_owner", pool)), version=2, status="draft")

    _tally, simulation = simulate(draft, MONDAY, MONDAY + 9 * HOUR)

    assert [simulation.outcomes[pk].rep for pk in leads] == [ann.pk, ben.pk]


def test_a_decision_from_before_that_was_kept_goes_by_the_owner_of_today() -> None:
    ann, cem = rep("Ann"), rep("Cem")
    pool = make_pool(cem, name="Pool")
    make_rules(("All", ALWAYS, pool))
    since_ever()
    with moment(MONDAY):
        lead = make_lead(at=MONDAY, contact=make_contact(company=make_company(account_owner=ann.user)))
        route(lead)
    forget("company.owner_id")
    draft = make_rules(("Accounts", ALWAYS, ("account_owner", pool)), version=2, status="draft")

    _tally, simulation = simulate(draft, MONDAY, MONDAY + HOUR)

    assert simulation.outcomes[lead.pk].rep == ann.pk


def test_a_draft_that_asks_for_a_new_table_is_replayed_with_the_places_of_then() -> None:
    north, south = make_pool(rep("Nora"), name="North"), make_pool(rep("Sven"), name="South")
    make_rules(("All", ALWAYS, north))
    since_ever()
    munich = lead_at(MONDAY, country="DE", postal_code="80335")
    hamburg = lead_at(MONDAY + HOUR, country="DE", postal_code="20095")
    # Nobody can move a lead of the past by moving today.
    Contact.objects.update(postal_code="20095")
    save_table("area", "Area", "South;DE;;8\nNorth;DE;;2\n")
    condition = {"fact": "territory.area", "op": "in", "value": ["South"]}
    draft = make_rules(("South", condition, south), ("Rest", ALWAYS, north), version=2, status="draft")

    tally, simulation = simulate(draft, MONDAY, MONDAY + 9 * HOUR)

    assert [simulation.outcomes[lead.pk].rule for lead in (munich, hamburg)] == [0, 1]
    assert tally is not None


def test_a_territory_that_was_kept_stays_whatever_the_table_says_now() -> None:
    save_table("area", "Area", "South;DE;;8\nNorth;DE;;2\n")
    north, south = make_pool(rep("Nora"), name="North"), make_pool(rep("Sven"), name="South")
    condition = {"fact": "territory.area", "op": "in", "value": ["South"]}
    live = make_rules(("South", condition, south), ("Rest", ALWAYS, north))
    since_ever()
    munich = lead_at(MONDAY, country="DE", postal_code="80335")
    nowhere = lead_at(MONDAY, country="DE", postal_code="50667")
    save_table("area", "Area", "South;DE;;5\nNorth;DE;;2 8\n")

    _tally, simulation = simulate(live, MONDAY, MONDAY + HOUR)

    assert [simulation.outcomes[lead.pk].rule for lead in (munich, nowhere)] == [0, 1]


def test_the_hour_of_a_decision_that_did_not_keep_it_is_told_from_its_time() -> None:
    day, night = make_pool(rep("Dana"), name="Day"), make_pool(rep("Noor"), name="Night")
    make_rules(("All", ALWAYS, day))
    since_ever()
    # In Berlin it is 8:00, then 23:00.
    leads = [lead_at(MONDAY), lead_at(MONDAY + 15 * HOUR)]
    forget("time.hour")
    late = {"fact": "time.hour", "op": "gte", "value": 18}
    draft = make_rules(("Late", late, night), ("Rest", ALWAYS, day), version=2, status="draft")

    _tally, simulation = simulate(draft, MONDAY, MONDAY + 30 * HOUR)

    assert [simulation.outcomes[lead.pk].rule for lead in leads] == [1, 0]


def forget(name: str) -> None:
    """As certificates were before that fact was kept."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE routing_certificate DISABLE TRIGGER USER")
        cursor.execute("UPDATE routing_certificate SET facts = facts - %s", [name])
        cursor.execute("ALTER TABLE routing_certificate ENABLE TRIGGER USER")
