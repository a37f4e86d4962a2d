"""Connecting a CRM in a browser: from the first click to a dry run that was read, on a desk and on a phone."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crmsync.models import Connection
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.crmsync.stands.stand_own import SalesforceStand
from tests.crmsync.things import converted, make_crm
from tests.factories import make_user
from tests.worker import drain

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS")


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def no_overflow(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_crm_is_connected_without_a_developer(open_page: Open, settings: Any) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    stand = SalesforceStand()
    stand.start()
    make_crm()
    make_user("ae", first_name="Ada", email=stand.ae)
    _, opportunity = converted()
    drain()
    page = open_page("/setup/crm/", make_user("admin", first_name="Rita"), size=DESKTOP)

    page.get_by_role("link", name="Connect a CRM").click()
    shoot(page, "new")
    page.get_by_role("button", name="Salesforce").click()
    page.get_by_label("Address of the account").fill(stand.proxy.address)
    page.get_by_label("Organisation id").fill(stand.config()["organisation"])
    page.get_by_label("Consumer key").fill("us")
    page.get_by_label("Consumer secret").fill("canary")
    access = page.locator("#access")
    access.get_by_role("button", name="Save").click()
    page.locator("#access").get_by_role("button", name="Try it").click()
    expect(page.locator("#access")).to_contain_text("Calls left today")

    page.get_by_label("Prospecting").select_option("open")
    page.get_by_label("Qualification", exact=True).select_option("open")
    page.get_by_label("Proposal").select_option("open")
    page.get_by_label("Closed Won").select_option("won")
    page.get_by_label("Closed Lost").select_option("lost")
    page.get_by_label("New deals start in").select_option("Prospecting")
    page.get_by_role("button", name="Save stages").click()
    expect(page.locator("#on")).to_contain_text("Nobody has read a dry run")
    shoot(page, "connection")
    no_overflow(page)

    page.get_by_role("button", name="Begin a dry run").click()
    drain()
    expect(page.locator("#dry-run")).to_contain_text("1 to make", timeout=10_000)
    expect(page.locator("#dry-run")).to_contain_text(opportunity.name)
    shoot(page, "dry-run")
    page.get_by_role("button", name="I have read it").click()
    page.get_by_role("button", name="On, with the first 25 deals").click()
    expect(page.locator("#on")).to_contain_text("was there before this connection")
    page.get_by_role("button", name="Send them as well").click()
    expect(page.get_by_text("deal is on its way")).to_be_visible()
    drain()
    page.reload()
    expect(page.locator("#on")).to_contain_text(opportunity.name)
    shoot(page, "on")
    assert stand.only()[1]["name"] == opportunity.name

    one = Connection.objects.get(adapter="salesforce")
    phone = open_page(f"/setup/crm/{one.slug}/", make_user("admin"), size=PHONE)
    no_overflow(phone)
    shoot(phone, "connection-phone")
    run = one.dry_runs.get()
    phone.goto(f"/setup/crm/{one.slug}/dry-run/{run.pk}/")
    no_overflow(phone)
    shoot(phone, "dry-run-phone")
    phone.goto("/setup/crm/")
    no_overflow(phone)
    shoot(phone, "health-phone")
    stand.stop()
