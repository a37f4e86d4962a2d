"""Two people of one company in a browser: the question, and the answer."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crmsync.models import Opportunity
from crmsync.services.convert import convert_by_itself
from leads.events import record_event
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.crmsync.things import make_crm, make_deal, make_sql, read
from tests.factories import make_contact
from tests.worker import drain

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS")


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def test_the_second_person_of_a_company_joins_its_deal(open_page: Open) -> None:
    make_crm()
    lead, opportunity, _ = make_deal()
    person = make_contact(company=lead.contact.company, first_name="Jens", last_name="Maurer")
    second = make_sql(contact=person, owner=lead.owner)
    convert_by_itself(read(second), record_event(second, "stage.sql", quiet=True))
    drain()

    page = open_page(f"/leads/{second.pk}/", lead.owner, size=DESKTOP)
    expect(page.get_by_text("Somebody works on this company already.")).to_be_visible()
    expect(page.get_by_text("The company has an open deal: say under “CRM”")).to_be_visible()
    shoot(page, "joining")
    phone = open_page(f"/leads/{second.pk}/", lead.owner, size=PHONE)
    join = phone.get_by_role("button", name="Join this deal")
    join.scroll_into_view_if_needed()
    shoot(phone, "joining-phone")
    join.click()

    expect(phone.get_by_text("It went into the deal")).to_be_visible()
    drain()
    assert read(second).stage == "opportunity"
    assert Opportunity.objects.get() == opportunity
