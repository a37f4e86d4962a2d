"""An admin's first hour: from an empty installation to the first routed lead, without a developer."""

import json
import urllib.request

import pytest
from playwright.sync_api import expect

from leadmgmt.defaults import install_defaults
from leads.models import Capture, Lead, Organisation, User
from leads.services.capture import process_capture
from routing.models import Pool, Rep
from tests.browser.conftest import Open
from tests.factories import make_user
from tests.worker import drain

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_nothing_to_the_first_routed_lead(open_page: Open) -> None:
    install_defaults()
    admin = make_user("admin", is_staff=True, is_superuser=True)
    page = open_page("/setup/", admin)
    expect(page.get_by_text("From an empty installation to the first routed lead")).to_be_visible()

    # The organisation has a name.
    page.goto("/admin/leads/organisation/add/")
    page.locator("[name=name]").fill("Nordwind GmbH")
    page.locator("[name=expected_deal_value]").fill("12000")
    page.locator("button[name=_save], input[name=_save]").first.click()
    assert Organisation.objects.get().name == "Nordwind GmbH"

    # Somebody receives leads.
    page.goto("/setup/?step=people")
    page.get_by_role("link", name="Set up").first.click()
    page.get_by_label("E-mail").fill("zoe@nordwind.example")
    page.get_by_label("First name").fill("Zoe")
    page.get_by_label("Last name").fill("Abel")
    page.locator("[name=starts_at]").fill("00:00")
    page.locator("[name=ends_at]").fill("23:59")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**/routing/reps/")
    expect(page.get_by_role("link", name="Zoe Abel")).to_be_visible()
    zoe = User.objects.get(email="zoe@nordwind.example")
    assert list(zoe.groups.values_list("name", flat=True)) == ["sdr"]
    # At any day of the week: this journey runs on Sundays as well.
    page.get_by_role("link", name="Zoe Abel").click()
    for day in ("Saturday", "Sunday"):
        page.get_by_label(day).fill("00:00-23:59")
    page.get_by_role("button", name="Save").first.click()

    # A pool and a rule.
    page.goto("/routing/")
    page.get_by_role("link", name="New pool").click()
    page.get_by_label("Name", exact=True).fill("Everybody here")
    page.get_by_label("Zoe Abel").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**/routing/pools/everybody-here/")
    page.goto("/routing/")
    page.get_by_role("button", name="Begin the rules").click()
    page.get_by_role("link", name="Rule", exact=True).click()
    editor = page.locator(".rule-editor").first
    editor.get_by_label("Name", exact=True).fill("All leads")
    editor.get_by_role("button", name="Remove condition").click()
    expect(editor.locator(".condition")).to_have_count(0)
    editor.locator("select[name=target]").select_option(label="Everybody here")
    page.get_by_role("button", name="Save in the draft").click()
    expect(page.locator(".rule-item", has_text="All leads")).to_be_visible()
    page.get_by_role("button", name="Publish 1").click()
    expect(page.get_by_text("decides", exact=True)).to_be_visible()

    # A way in.
    page.goto("/setup/channels/new/")
    page.get_by_role("link", name="API").first.click()
    page.get_by_label("Name", exact=True).fill("Our website")
    page.get_by_role("button", name="Add the channel").click()
    page.get_by_label("What the key is for").fill("Website")
    page.get_by_role("button", name="Make a key").click()
    key, address = page.locator("#key-text").inner_text(), page.locator("#address").inner_text()
    request = urllib.request.Request(
        address,
        json.dumps({"email": "ann@firm.example", "name": "Ann Dyk", "subject": "demo"}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 202
    process_capture(Capture.objects.get(status="received").pk)
    drain()

    lead = Lead.objects.get()
    assert lead.owner == zoe
    page.goto("/setup/?step=people")
    expect(page.get_by_text("People who receive leads: 1")).to_be_visible()
    page.goto(f"/leads/{lead.pk}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Dyk")
    expect(page.get_by_text("Zoe Abel").first).to_be_visible()
    assert Pool.objects.get().members.get().rep == Rep.objects.get(user=zoe)
