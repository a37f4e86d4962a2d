"""A lead entered by hand from wherever one is."""

import pytest
from playwright.sync_api import expect

from leads.models import Lead
from leads.services.capture import receive
from tests.browser.conftest import PHONE, Open
from tests.factories import make_channel, make_organisation, make_team, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_by_keyboard_with_a_warning_while_one_types(open_page: Open) -> None:
    make_organisation()
    ann = make_user("sdr", team=make_team())
    told = {"email": "k.mueller@firm.example", "first_name": "Katharina", "last_name": "Müller", "company": "Firm GmbH"}
    known = receive(make_channel("website"), told).capture.lead
    assert known is not None
    Lead.objects.filter(pk=known.pk).update(owner=ann)
    page = open_page("/profile/", ann)

    page.keyboard.press("n")
    form = page.get_by_role("dialog", name="Add a lead")
    expect(form.locator("input[name=email]")).to_be_focused()
    form.get_by_label("First name").fill("Kathi")
    form.get_by_label("Last name").fill("Mueller")
    form.get_by_label("Company").fill("Firm")
    expect(form.get_by_text("Perhaps known already, by name and company:")).to_be_visible()
    form.get_by_label("First name").fill("Bernd")
    expect(form.get_by_text("Perhaps known already")).to_have_count(0)

    form.get_by_role("button", name="Add the lead").click()
    expect(form.get_by_text("Give an e-mail address or a phone number.")).to_be_visible()
    expect(form.get_by_label("First name")).to_have_value("Bernd")
    form.locator("input[name=email]").fill("bernd@firm.example")
    form.get_by_label("I take this lead myself").check()
    form.get_by_role("button", name="Add the lead").click()
    page.wait_for_url("**/leads/*/")
    expect(page.get_by_role("heading", name="Bernd Mueller")).to_be_visible()


def test_escape_closes_it_and_the_next_one_begins_empty(open_page: Open) -> None:
    make_organisation()
    page = open_page("/profile/", make_user("sdr", team=make_team()))
    page.keyboard.press("n")
    form = page.get_by_role("dialog", name="Add a lead")
    form.locator("input[name=email]").fill("x@y.example")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    page.get_by_role("link", name="Add a lead").click()
    expect(form.locator("input[name=email]")).to_have_value("")


def test_on_a_phone_from_the_list(open_page: Open) -> None:
    make_organisation()
    page = open_page("/leads/", make_user("sdr", team=make_team()), size=PHONE)
    page.get_by_role("link", name="Add a lead").first.click()
    expect(page.get_by_role("dialog", name="Add a lead")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
