"""What routing wants to know of companies: whose account, who buys, what is worked on; over all CRMs that tell."""

from datetime import timedelta

import pytest

from crmsync.models import Account, AccountDeal, Breaker, Cursor, Opportunity
from crmsync.services import accounts
from leadmgmt.core.now import moment, now
from leads.facts import facts_of
from leads.models import Company, User
from tests.crmsync.conformance.conftest import NAMES, over
from tests.crmsync.conformance.steps import poll, there
from tests.factories import make_company, make_contact, make_lead

tell = over(*(name for name in NAMES if name != "local"))
owners = over("salesforce", "hubspot", "odoo")
pytestmark = pytest.mark.django_db

FACT = "company.has_open_opportunity"


def fact(lead, name):
    return facts_of([lead.pk], now())[lead.pk][name]


def later(crm):
    """Read again, as after the pause between two readings."""
    Cursor.objects.filter(connection=crm).update(moved_at=now() - timedelta(hours=1))
    Account.objects.update(seen_at=now() - timedelta(minutes=1))
    AccountDeal.objects.update(seen_at=now() - timedelta(minutes=1))
    return poll(crm)


@tell
def test_an_open_deal_of_others_is_known_until_it_is_over(stand, crm):
    company = make_company(domain="rheintal.example")
    lead = make_lead(contact=make_contact(company=company))
    firm = stand.firm("Rheintal Kälte", "https://www.rheintal.example")
    deal = stand.pursuit(firm, "Old business", 30000)

    poll(crm)

    assert Account.objects.get(remote_id=firm).company == company
    known = AccountDeal.objects.get()
    assert (known.remote_id, known.name, known.amount) == (deal, "Old business", 30000)
    assert fact(lead, FACT)

    stand.edit(deal, stage=stand.lost)
    later(crm)
    assert not AccountDeal.objects.exists()
    assert not fact(lead, FACT)


@tell
def test_a_deal_of_ours_is_not_kept_a_second_time(stand, crm):
    there(stand, crm)

    poll(crm)

    assert not AccountDeal.objects.exists()


@over("salesforce", "hubspot", "odoo")
def test_who_owns_the_account_and_who_buys(stand, crm):
    ae = User.objects.get(email=stand.ae)
    company, other = make_company(domain="rheintal.example"), make_company(domain="other.example")
    stand.firm("Rheintal Kälte", "https://www.rheintal.example", stand.ae, buys=True)
    stand.firm("Other", "https://other.example")

    poll(crm)

    company.refresh_from_db()
    other.refresh_from_db()
    assert (company.account_owner, company.is_customer) == (ae, True)
    assert (other.account_owner, other.is_customer) == (None, False)


@over("salesforce", "hubspot", "odoo")
def test_a_company_that_we_meet_later_is_known_before_it_is_routed(stand, crm):
    stand.firm("Rheintal Kälte", "https://www.rheintal.example", stand.ae, buys=True)
    poll(crm)

    company = make_company(domain="rheintal.example")
    lead = make_lead(contact=make_contact(company=company))
    accounts.know_account(lead, None)

    company.refresh_from_db()
    assert (company.account_owner.email, company.is_customer) == (stand.ae, True)
    assert fact(lead, "company.is_customer")


@over("salesforce")
def test_a_won_deal_of_others_makes_a_customer(stand, crm):
    company = make_company(domain="rheintal.example")
    firm = stand.firm("Rheintal Kälte", "https://rheintal.example")
    stand.pursuit(firm, "Old business", 30000, stage=stand.won)

    poll(crm)

    company.refresh_from_db()
    assert company.is_customer


@over("salesforce")
def test_two_accounts_that_disagree_choose_nobody(stand, crm):
    company = make_company(domain="rheintal.example")
    User.objects.create(email="eve@ours.example")
    stand.firm("Rheintal Kälte", "https://rheintal.example", "ada@ours.example")
    stand.firm("Rheintal Kälte 2", "https://rheintal.example", "eve@ours.example")

    poll(crm)

    company.refresh_from_db()
    assert company.account_owner is None


@over("salesforce")
def test_by_name_only_where_nobody_else_bears_it(stand, crm):
    lonely = make_company(name="Einzel GmbH", name_key="einzel", domain=None)
    twin = make_company(name="Doppel GmbH", name_key="doppel", domain=None)
    stand.firm("Einzel GmbH", "", "ada@ours.example")
    stand.firm("Doppel GmbH", "", "ada@ours.example")
    stand.firm("Doppel AG", "", "ada@ours.example")

    poll(crm)

    lonely.refresh_from_db()
    twin.refresh_from_db()
    assert lonely.account_owner.email == "ada@ours.example"
    assert twin.account_owner is None


@over("odoo")
def test_what_is_deleted_there_is_forgotten_by_the_weekly_reading(stand, crm):
    firm = stand.firm("Rheintal Kälte", "https://rheintal.example")
    stand.pursuit(firm, "Old business", 30000)
    poll(crm)
    stand.crm.do_unlink("res.partner", 5, [int(firm)])

    later(crm)
    assert Account.objects.filter(remote_id=firm).exists()

    with moment(now() + timedelta(days=8)):
        later(crm)
        assert not Account.objects.filter(remote_id=firm).exists()


@over("salesforce")
def test_a_crm_that_does_not_tell_stops_no_deal(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    del stand.crm.fields["Account"]["Type"]
    stand.edit(remote_id, stage=stand.second)

    poll(crm)

    assert Opportunity.objects.get(pk=opportunity.pk).remote_stage == stand.second
    assert "SchemaDrift" in Cursor.objects.get(connection=crm, kind="account").error
    assert not Breaker.objects.exists()


@over("salesforce")
def test_a_long_first_reading_goes_on_where_it_stopped(stand, crm, monkeypatch):
    monkeypatch.setattr(accounts, "PAGE", 3)
    monkeypatch.setattr(accounts, "PAGES", 2)
    for number in range(10):
        stand.firm(f"Firm {number}", f"https://firm{number}.example")

    poll(crm)
    assert Account.objects.count() == 6
    poll(crm)
    assert Account.objects.count() == 10
    assert Company.objects.filter(domain__startswith="firm").count() == 0
