"""A team lead's look at what leaks, on a desk and on a phone, and the button that mends it."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from leadmgmt.core.now import now
from leads.models import Lead
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.crmsync.things import make_crm
from tests.factories import make_company, make_contact, make_lead, make_reason, make_team, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS")
PEOPLE = (("Annika", "Hoffmann"), ("Jens", "Maurer"), ("Lea", "Brandt"), ("Omar", "Haddad"))


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def test_what_leaks_is_seen_and_stopped(open_page: Open) -> None:
    make_crm()
    sam = make_user("sdr", first_name="Sam", last_name="Weiss", team=make_team("inbound"))
    old = now() - timedelta(days=40)
    for number, (first, last) in enumerate(PEOPLE):
        contact = make_contact(first_name=first, last_name=last, company=make_company())
        lead = make_lead(owner=sam, team=sam.team, contact=contact, at=old, win_probability=0.1 * (number + 1))
        if number > 2:
            Lead.objects.filter(pk=lead.pk).update(first_touched_at=old, last_activity_at=old)
    make_lead(stage="recycled", reason=make_reason("recycle", "no-response"), at=old)
    manager = make_user("manager", first_name="Mia")
    page = open_page("/reports/leaks/", manager, size=DESKTOP)

    expect(page.get_by_text("5 leads run out unnoticed.")).to_be_visible()
    expect(page.get_by_role("link", name="Lea Brandt")).to_be_visible()
    shoot(page, "leaks")
    page.get_by_role("button", name="Wake them up from this day on").click()
    expect(page.get_by_text("1 lead changed.")).to_be_visible()
    assert Lead.objects.get(stage="recycled").wake_at is not None

    phone = open_page("/reports/leaks/", manager, size=PHONE)
    shoot(phone, "leaks-phone")
    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    phone.get_by_role("link", name="Never contacted").click()
    expect(phone.get_by_role("heading", name="Never contacted")).to_be_in_viewport()
