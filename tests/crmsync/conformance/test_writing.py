"""T01–T08: what is written stands there as it was meant."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmsync.adapters.base import COMPANY, CONTACT, DEAL, Associate, SetStage, Upsert
from crmsync.adapters.errors import Invalid
from crmsync.canonical import canonical
from crmsync.models import Parent
from tests.crmsync.conformance.conftest import every, over
from tests.crmsync.conformance.steps import KEY, entry_of, make, push, rename, soon, there
from tests.crmsync.things import converted

pytestmark = pytest.mark.django_db


@every
def test_t01_a_created_deal_reads_back_equal(stand, crm):
    adapter = stand.adapter(crm)
    values = {"amount": Decimal("30000.50"), "close_on": date(2027, 3, 1), "owner_email": stand.ae}

    written = make(adapter, stand, **values)

    read = adapter.get(DEAL, written.remote_id, soon())
    expected = {"name": "Deal 1", "stage": stand.open, **values}
    assert {name: canonical(read.values[name]) for name in expected} == {
        name: canonical(value) for name, value in expected.items()
    }
    assert written.created
    assert read.external_key == KEY.format(1)
    assert read.version == written.version
    assert [one.remote_id for one in adapter.find_by_key(DEAL, KEY.format(1), soon())] == [written.remote_id]


@every
def test_t01_a_conversion_arrives_with_all_that_the_ae_needs(stand, crm):
    _, opportunity, remote_id = there(stand, crm)

    deal = stand.deals()[remote_id]
    told = stand.adapter(crm).get(DEAL, remote_id, soon()).values
    text = str(told.get("summary") or "") + str(told.get("brief") or "")
    assert deal["name"] == opportunity.name
    assert deal["amount"] == opportunity.amount
    assert deal["stage"] == stand.open
    assert "budget quote" in text
    assert told["owner_email"] == stand.ae
    assert entry_of(opportunity).state == "done"


@every
def test_t01_the_lead_page_leads_to_the_deal_there(stand, crm, client):
    lead, _, remote_id = there(stand, crm)
    client.force_login(lead.owner)

    page = client.get(f"/leads/{lead.pk}/crm/").content.decode()

    assert f"{crm.name}</a>: Linked" in page
    assert stand.adapter(crm).page_of(DEAL, remote_id).replace("&", "&amp;") in page


@over("salesforce", "hubspot", "small_hubspot", "tryton")
def test_t01_company_and_person_come_first_and_are_tied_to_the_deal(stand, crm):
    there(stand, crm)

    assert set(Parent.objects.exclude(remote_id=None).values_list("kind", "is_ours")) == {
        ("company", True),
        ("contact", True),
    }
    assert entry_of(crm.links.get().opportunity).state == "done"


@every
def test_t02_a_change_of_ours_arrives(stand, crm):
    _, opportunity, remote_id = there(stand, crm)

    rename(opportunity, "Contoso: annual licence")
    push(crm)

    assert stand.deals()[remote_id]["name"] == "Contoso: annual licence"


@every
def test_t03_nothing_clears_a_field(stand, crm):
    adapter = stand.adapter(crm)
    made = make(adapter, stand, amount=Decimal("100"))
    command = Upsert(DEAL, KEY.format(1), {"amount": None}, made.remote_id, made.version, mode="update")

    written = adapter.upsert(command, soon())

    assert not written.after["amount"]
    assert not stand.deals()[made.remote_id]["amount"]


@every
def test_t04_a_field_that_is_not_named_stays(stand, crm):
    adapter = stand.adapter(crm)
    made = make(adapter, stand, amount=Decimal("100"), close_on=date(2027, 3, 1))
    command = Upsert(DEAL, KEY.format(1), {"name": "Other"}, made.remote_id, made.version, mode="update")

    adapter.upsert(command, soon())

    deal = stand.deals()[made.remote_id]
    assert (deal["name"], deal["amount"], deal["close_on"]) == ("Other", Decimal("100"), date(2027, 3, 1))


@over("salesforce", "hubspot", "small_hubspot")
def test_t05_tying_twice_ties_once(stand, crm):
    adapter = stand.adapter(crm)
    company = adapter.upsert(Upsert(COMPANY, "c-1", {"name": "Acme", "domain": "acme.example"}), soon())
    person = {"first_name": "Ann", "last_name": "Lee", "email": "ann@acme.example"}
    contact = adapter.upsert(Upsert(CONTACT, "p-1", person, associations={COMPANY: company.remote_id}), soon())
    deal = make(adapter, stand)

    for _ in range(2):
        adapter.associate(Associate(DEAL, deal.remote_id, CONTACT, contact.remote_id), soon())

    if stand.name == "salesforce":
        assert len(stand.crm.records["OpportunityContactRole"]) == 1
    elif stand.is_shared:
        (found,) = [one for one in stand.mock("dump")["deals"] if one["id"] == deal.remote_id]
        assert found["associations"] == {"contacts": [contact.remote_id]}


@every
def test_t06_a_stage_path_ends_lost_with_its_reason(stand, crm):
    adapter = stand.adapter(crm)
    made = make(adapter, stand, owner_email=stand.ae)
    if stand.name == "tryton":
        party = adapter.upsert(Upsert(COMPANY, "c-1", {"name": "Acme"}), soon())
        stand.person("write", [int(made.remote_id)], {"party": int(party.remote_id)})
        made = adapter.get(DEAL, made.remote_id, soon())

    moved = adapter.set_stage(SetStage(DEAL, KEY.format(1), made.remote_id, stand.second), soon())
    lost = adapter.set_stage(
        SetStage(DEAL, KEY.format(1), made.remote_id, stand.lost, stand.reason, date(2026, 11, 1)), soon()
    )

    assert moved.after["stage"] == stand.second
    assert (lost.after["stage"], lost.after["lost_reason"]) == (stand.lost, stand.reason)
    # Tryton dates a loss itself.
    day = datetime.now(UTC).date() if stand.name == "tryton" else date(2026, 11, 1)
    deal = stand.deals()[made.remote_id]
    assert (deal["stage"], deal["lost_reason"], deal["close_on"]) == (stand.lost, stand.reason, day)


TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=100)
AMOUNTS = st.decimals(Decimal("0.01"), Decimal("999999999.99"), places=2)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@every
def test_t07_values_come_back_as_they_were_sent(stand, crm):
    adapter = stand.adapter(crm)
    made = make(adapter, stand)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(TEXTS, AMOUNTS, DAYS)
    def both_ways(name, amount, day):
        values = {"name": name, "amount": amount, "close_on": day}
        after = adapter.upsert(Upsert(DEAL, KEY.format(1), values, made.remote_id, mode="update"), soon()).after
        assert {field: canonical(after[field]) for field in values} == {
            field: canonical(value) for field, value in values.items()
        }

    both_ways()


ODD = ("Ünïcode 漢字", "😀 四 𐍈", 'O\'Neill \\ "quoted" %_', "<b>&amp;</b>", "a" * 100)


@every
def test_t07_nor_do_odd_texts_change(stand, crm):
    adapter = stand.adapter(crm)

    for number, text in enumerate(ODD, 1):
        made = make(adapter, stand, number, name=text)
        assert made.after["name"] == text
        assert stand.deals()[made.remote_id]["name"] == text


@over("salesforce", "hubspot", "small_hubspot", "odoo")
def test_t08_what_the_crm_does_not_take_is_invalid_and_nothing_is_written(stand, crm):
    adapter = stand.adapter(crm)

    with pytest.raises(Invalid):
        adapter.upsert(Upsert(DEAL, KEY.format(1), {"name": "Deal", "stage": "Nope"}, mode="create"), soon())

    made = make(adapter, stand, 2)
    with pytest.raises(Invalid):
        adapter.set_stage(SetStage(DEAL, KEY.format(2), made.remote_id, "Nope"), soon())
    assert stand.deals()[made.remote_id]["stage"] == stand.open


@over("salesforce")
@pytest.mark.parametrize(
    ("values", "field"), [({"name": "x" * 121}, "Name"), ({"lost_reason": "Weather"}, "LMS_Loss_Reason__c")]
)
def test_t08_the_complaint_names_the_field(stand, crm, values, field):
    with pytest.raises(Invalid) as refused:
        make(stand.adapter(crm), stand, **values)

    assert list(refused.value.field_errors) == [field]
    assert stand.deals() == {}


@over("salesforce", "hubspot", "odoo")
def test_t08_a_refused_deal_is_a_dead_letter_with_its_reason(stand, crm):
    crm.stages.filter(remote=stand.open).update(remote="4711")

    _, opportunity = converted()
    push(crm)

    entry = entry_of(opportunity)
    assert (entry.state, entry.error_class) == ("dead", "Invalid")
    assert entry.error
    assert stand.deals() == {}
