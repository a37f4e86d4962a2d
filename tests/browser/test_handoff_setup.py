"""An admin says who gets handoffs, on a desk and on a phone."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crmsync.models import HandoffRule
from qualification.models import Segment
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.crmsync.things import make_crm
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS")


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def test_a_rule_is_added_and_moved(open_page: Open) -> None:
    make_crm()
    make_user("ae", first_name="Ada", last_name="Berg")
    make_user("ae", first_name="Nils", last_name="Holm")
    for name, country in (("The North", "SE"), ("The South", "IT")):
        Segment.objects.create(name=name, condition={"fact": "contact.country", "op": "eq", "value": country})
    admin = make_user("admin", first_name="Rita")
    page = open_page("/setup/handoffs/", admin, size=DESKTOP)

    for segment, ae in (("The North", "Nils Holm"), ("The South", "Ada Berg")):
        page.get_by_label("Leads of the segment").select_option(segment)
        page.get_by_label(ae).check()
        page.get_by_role("button", name="Add the rule").click()
        expect(page.get_by_role("listitem").filter(has_text=segment)).to_contain_text(ae)
    page.get_by_role("button", name="Up The South").click()
    expect(page.get_by_role("listitem").filter(has_text="The South")).to_be_visible()
    shoot(page, "handoff-setup")
    assert [rule.segment.name for rule in HandoffRule.objects.all()] == ["The South", "The North"]

    phone = open_page("/setup/handoffs/", admin, size=PHONE)
    phone.get_by_label("AEs decide within").fill("0")
    phone.get_by_role("button", name="Save").click()
    expect(phone.get_by_text("Write a number from 1 to 200.")).to_be_visible()
    shoot(phone, "handoff-setup-phone")
    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
