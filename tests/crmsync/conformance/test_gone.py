"""D01–D05: deleted, brought back, merged, made again; our own record stays."""

import json
from datetime import timedelta
from decimal import Decimal
from urllib.request import Request, urlopen

import pytest

from crmsync.adapters.base import DEAL, Hint, Upsert
from crmsync.adapters.errors import Gone, Moved
from crmsync.models import Link, Opportunity
from crmsync.services.convert import convert_lead
from crmsync.services.hints import follow_hints, store_hints
from leadmgmt.core.now import moment, now
from tests.crmsync.conformance.conftest import over
from tests.crmsync.conformance.steps import entry_of, link_of, make, poll, push, rename, soon, there
from tests.crmsync.things import make_sql
from tests.factories import make_company, make_contact, make_team, make_user

pytestmark = pytest.mark.django_db

mortal = over("local", "salesforce", "hubspot", "small_hubspot", "odoo", "tryton")


@mortal
def test_d01_a_deleted_deal_is_gone_for_the_adapter_and_not_found_by_key(stand, crm):
    adapter = stand.adapter(crm)
    made = make(adapter, stand)
    stand.delete(made.remote_id)

    with pytest.raises(Gone):
        adapter.get(DEAL, made.remote_id, soon())
    assert [one for one in adapter.find_by_key(DEAL, made.remote_id, soon()) if not one.deleted] == []


@mortal
def test_d01_our_next_write_finds_out_and_our_own_record_stays(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    stand.delete(remote_id)
    rename(opportunity, "Renamed")

    push(crm)

    assert link_of(opportunity).state == "remote_deleted"
    assert entry_of(opportunity).state == "waiting"
    assert Opportunity.objects.get(pk=opportunity.pk).stage == "open"
    assert stand.deals() == {}


@over("salesforce")
def test_d01_the_feed_of_deletions_tells_without_a_write_of_ours(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)
    stand.delete(remote_id)

    poll(crm)

    assert link_of(opportunity).state == "remote_deleted"


@over("salesforce")
def test_d02_a_deal_that_is_brought_back_is_linked_again(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    stand.delete(remote_id)
    poll(crm)
    stand.undelete(remote_id)

    store_hints(crm, [Hint(remote_id, DEAL, "k-1")])
    with moment(now() + timedelta(seconds=5)):
        follow_hints(crm.pk)

    assert link_of(opportunity).state == "linked"


@over("small_hubspot")
def test_d03_the_loser_of_a_merge_names_the_winner_and_nothing_is_pushed_to_it(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    winner = make(stand.adapter(crm), stand, 2).remote_id
    stand.mock("merge", {"loser": remote_id, "winner": winner})

    with pytest.raises(Moved) as moved:
        stand.adapter(crm).get(DEAL, remote_id, soon())
    assert moved.value.new_id == winner

    rename(opportunity, "Renamed")
    push(crm)

    link = link_of(opportunity)
    assert (link.state, link.merged_into) == ("merged", winner)
    assert entry_of(opportunity).state == "waiting"
    assert stand.deals()[winner]["name"] == "Deal 2"


@over("small_hubspot")
def test_d03_the_winner_of_a_merge_goes_on(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    loser = make(stand.adapter(crm), stand, 2).remote_id
    stand.mock("merge", {"loser": loser, "winner": remote_id})
    stand.edit(remote_id, amount=Decimal("5"))

    poll(crm)

    assert link_of(opportunity).state == "linked"
    assert Opportunity.objects.get(pk=opportunity.pk).amount == Decimal("5")


@over("hubspot")
def test_d03_a_merge_of_two_deals_of_ours_leaves_a_person_to_decide(stand, crm):
    _, one, remote_id = there(stand, crm)
    _, other = _second(crm)
    ids = set(stand.deals())
    (loser,) = ids - {remote_id}
    _merge(stand, remote_id, loser)

    store_hints(crm, [Hint(remote_id, DEAL, "k-1"), Hint(loser, DEAL, "k-2")])
    with moment(now() + timedelta(seconds=5)):
        follow_hints(crm.pk)

    assert link_of(one).state == "linked"
    assert link_of(other).state in ("merged", "remote_deleted")
    rename(other, "Renamed")
    push(crm)
    assert entry_of(other).state == "waiting"


def _second(crm):
    owner = make_user("sdr", team=make_team("second"))
    contact = make_contact(first_name="Ben", last_name="Ode", company=make_company())
    lead = make_sql(owner=owner, contact=contact)
    opportunity = convert_lead(lead.pk, by=owner)
    push(crm)
    return lead, opportunity


def _merge(stand, winner, loser):
    body = json.dumps({"primaryObjectId": winner, "objectIdToMerge": loser}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer mock-token"}
    urlopen(Request(f"{stand.address}/crm/v3/objects/deals/merge", body, headers), timeout=10).read()


@over("salesforce", "odoo", "hubspot", "tryton")
def test_d04_a_record_made_again_under_our_key_is_not_taken_for_the_old_one(stand, crm):
    """Somebody deletes the deal and an import brings back another record with the same key."""
    _, opportunity, remote_id = there(stand, crm)
    key = link_of(opportunity).external_key
    stand.delete(remote_id)
    again = stand.adapter(crm).upsert(Upsert(DEAL, key, {"name": "Again", "stage": stand.open}, mode="create"), soon())
    poll(crm)

    link = Link.objects.get(connection=crm, opportunity=opportunity)
    assert again.remote_id != remote_id
    assert link.remote_id == remote_id
    assert Opportunity.objects.get(pk=opportunity.pk).name == opportunity.name
