"""Going into a deal that stands in the CRM already, over all CRMs that tell of such."""

import pytest

from crmsync.models import Breaker, Link, OutboxEntry
from crmsync.services.convert import convert_lead
from crmsync.services.joining import open_deals
from routing.models import Notification
from tests.crmsync.conformance.conftest import over
from tests.crmsync.conformance.steps import poll, push
from tests.crmsync.things import make_sql, read
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


@over("salesforce", "hubspot", "odoo", "tryton")
def test_a_deal_that_only_the_crm_knew_becomes_the_leads(stand, crm):
    lead = make_sql()
    website = f"https://{lead.contact.company.domain}"
    firm = stand.firm(lead.contact.company.name, website)
    remote_id = stand.pursuit(firm, "Old business", 30000, stand.ae)
    poll(crm)
    (found,) = open_deals(lead)

    opportunity = convert_lead(lead.pk, by=lead.owner, way=found.key)
    push(crm)
    push(crm)

    entries = OutboxEntry.objects.filter(opportunity=opportunity, connection=crm)
    assert set(entries.values_list("state", flat=True)) == {"done"}, list(entries.values_list("error", flat=True))
    link = Link.objects.get(opportunity=opportunity, connection=crm)
    assert (link.remote_id, link.has_key) == (remote_id, True)
    assert set(stand.deals()) == {remote_id}
    assert stand.deals()[remote_id]["name"] == "Old business"
    assert not opportunity.handoffs.exists()
    assert not open_deals(lead)
    if opportunity.owner:
        assert Notification.objects.filter(kind="opportunity.joined", user__email=stand.ae).exists()

    # From now on it is read like any other.
    stand.edit(remote_id, stage=stand.lost, **({"lost_reason": stand.reason} if stand.name != "tryton" else {}))
    poll(crm)
    assert read(lead).stage == "recycled"


@over("salesforce")
def test_a_crm_deal_that_is_gone_meanwhile_gives_way_to_one_of_its_own(stand, crm):
    lead = make_sql()
    firm = stand.firm("Rheintal", f"https://{lead.contact.company.domain}")
    remote_id = stand.pursuit(firm, "Old business", 30000)
    poll(crm)
    (found,) = open_deals(lead)
    stand.delete(remote_id)

    opportunity = convert_lead(lead.pk, by=lead.owner, way=found.key)
    for _ in range(3):
        push(crm)

    link = Link.objects.get(opportunity=opportunity, connection=crm)
    assert link.remote_id not in (None, remote_id)
    assert set(stand.deals()) == {link.remote_id}


@over("salesforce")
def test_who_joins_becomes_a_contact_of_the_deal_there(stand, crm):
    lead = make_sql()
    opportunity = convert_lead(lead.pk, by=lead.owner)
    for _ in range(2):
        push(crm)
    second = make_sql(contact=make_contact(company=lead.contact.company, first_name="Jens", last_name="Maurer"))
    convert_lead(second.pk, by=second.owner, way=f"ours:{opportunity.pk}")
    for _ in range(2):
        push(crm)

    roles = stand.crm.records["OpportunityContactRole"].values()
    people = {stand.crm.records["Contact"][one["ContactId"]]["Email"] for one in roles}
    assert people == {lead.contact.email, second.contact.email}
    assert "Jens Maurer" in stand.crm.records["Opportunity"][stand.only()[0]]["LMS_History__c"]
    assert not Breaker.objects.exists()
