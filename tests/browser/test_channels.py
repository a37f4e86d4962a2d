"""The admin's quarter of an hour: a channel is added, its key made, tried, and what arrives is looked at."""

import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from leads.models import Capture, Lead
from leads.services.capture import process_capture
from tests.browser.conftest import PHONE, Open
from tests.factories import make_organisation, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def post(url: str, key: str, payload: dict[str, str]) -> int:
    request = urllib.request.Request(  # the live server's own address
        url,
        json.dumps(payload).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return int(answer.status)


@pytest.mark.parametrize("size", [(1440, 900), PHONE])
def test_an_admin_adds_a_channel_tries_it_and_sees_what_comes_in(
    open_page: Open, live_server: LiveServer, size: tuple[int, int]
) -> None:
    make_organisation()
    page = open_page("/setup/channels/", make_user("admin"), size=size)
    page.get_by_role("link", name="Add a channel").first.click()
    page.get_by_role("link", name=re.compile("^API")).click()
    page.get_by_label("Name", exact=True).fill("Our shop")
    page.get_by_role("button", name="Add the channel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Our shop")

    page.get_by_label("What the key is for").fill("Checkout")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator("#key-text").inner_text()
    address = page.locator("#address").inner_text()

    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("It was recognised as a test and becomes no lead")).to_be_visible()
    assert not Lead.objects.exists()

    assert post(address, key, {"email": "ann@firm.example", "name": "Ann Dyk"}) == 202
    process_capture(Capture.objects.get(status="received").pk)
    page.goto("/setup/channels/our-shop/")
    page.get_by_role("link", name="Ann Dyk").click()
    expect(page.get_by_text('"email": "ann@firm.example"')).to_be_visible()
    page.get_by_role("link", name="Open the lead").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Dyk")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
