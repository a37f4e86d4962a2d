"""The frame by hand and by keyboard: palette, keys, themes, toasts, running clocks."""

import re

import pytest
from playwright.sync_api import Page, expect

from leads.models import User
from tests.browser.conftest import PHONE, Open
from tests.factories import PASSWORD, make_company, make_contact, make_lead, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_ctrl_k_finds_a_lead_and_opens_it(open_page: Open) -> None:
    ann = make_user("sdr")
    company = make_company(name="Rheintal Kältetechnik GmbH")
    lead = make_lead(owner=ann, contact=make_contact(first_name="Annika", last_name="Hoffmann", company=company))
    page = open_page("/profile/", ann)

    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or command")).to_be_focused()
    page.keyboard.type("rheintal")
    first = page.get_by_role("option", name=re.compile("Annika Hoffmann"))
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/leads/{lead.pk}/")


def test_enter_right_after_typing_waits_for_the_answer(open_page: Open) -> None:
    ann = make_user("sdr")
    lead = make_lead(owner=ann, contact=make_contact(last_name="Hoffmann"))
    page = open_page("/profile/", ann)

    page.keyboard.press("Control+k")
    page.keyboard.type("hoffmann")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/leads/{lead.pk}/")


def test_the_palette_does_what_the_page_offers(open_page: Open) -> None:
    ann = make_user("sdr")
    page = open_page("/profile/", ann)

    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    expect(page.get_by_role("option", name="Dark theme")).to_have_attribute("aria-selected", "true")
    with page.expect_response("**/profile/theme/"):
        page.keyboard.press("Enter")

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert User.objects.get(pk=ann.pk).theme == "dark"


def test_escape_closes_the_palette_and_gives_the_focus_back(open_page: Open) -> None:
    page = open_page("/profile/", make_user("sdr"))
    opener = page.locator(".sidebar [data-palette-open]")

    opener.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("#palette")).to_be_hidden()
    expect(opener).to_be_focused()


def test_letters_act_as_keys_but_not_while_typing(open_page: Open) -> None:
    page = open_page("/search/", make_user("sdr"))
    field = page.get_by_role("searchbox")

    expect(field).to_be_focused()
    page.keyboard.type("a/?")
    assert field.input_value() == "a/?"
    field.blur()
    page.keyboard.press("/")
    expect(field).to_be_focused()
    field.blur()
    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Keys on this page")).to_be_visible()


def test_who_switched_the_keys_off_is_left_alone(open_page: Open) -> None:
    page = open_page("/search/", make_user("sdr", keys_enabled=False))
    field = page.get_by_role("searchbox")

    field.blur()
    page.keyboard.press("/")
    page.keyboard.press("?")

    expect(field).not_to_be_focused()
    expect(page.locator("#keys-dialog")).to_be_hidden()
    expect(page.locator(".search .key")).to_be_hidden()


def test_a_toast_goes_by_itself_and_what_can_be_undone_stays(open_page: Open) -> None:
    page = open_page("/profile/", make_user("sdr"))
    page.clock.install()
    _toast(page, text="Saved.", tone="good")
    _toast(page, text="Snoozed to Monday.", tone="good", undo_url="/profile/theme/")

    expect(page.locator(".toasts .toast")).to_have_count(2)
    page.clock.run_for(8000)

    expect(page.locator(".toasts .toast")).to_have_count(1)
    with page.expect_navigation():
        page.keyboard.press("u")


def test_a_failed_request_says_that_nothing_was_changed(open_page: Open) -> None:
    page = open_page("/profile/", make_user("sdr"))

    page.route("**/search/**", lambda route: route.fulfill(status=500, body="broken"))
    page.keyboard.press("Control+k")

    expect(page.locator(".toast--bad")).to_contain_text("That did not work. Nothing was changed")


def test_a_clock_runs_into_red_and_speaks_twice(open_page: Open) -> None:
    page = open_page("/styleguide/", make_user("admin"))
    page.clock.install()
    page.reload()
    due = "new Date(Date.now() + 302000).toISOString()"
    page.evaluate(f"document.querySelector('#light .sla--soon').dataset.due = {due}")
    clock, voice = page.locator("#light .sla--soon, #light .sla--breached").first, page.locator("#clock-voice")
    page.clock.run_for(1000)
    expect(clock).to_contain_text("5:0")

    page.clock.run_for(3000)
    expect(voice).to_have_text("Five minutes left: Sample")
    assert "4:5" in (clock.text_content() or "")
    page.clock.run_for(300_000)

    expect(voice).to_have_text("The promise has run out: Sample")
    expect(clock).to_have_class("sla sla--breached")
    expect(clock).to_contain_text("Overdue: 1 min over")


def test_the_menu_of_a_phone_reaches_everything(open_page: Open) -> None:
    ann = make_user("admin", first_name="Ann", last_name="Ahlers")
    page = open_page("/styleguide/", ann, size=PHONE, dark=True)

    expect(page.locator(".sidebar")).to_be_hidden()
    page.locator(".tab-bar-link", has_text="Me").tap()
    page.wait_for_url("**/profile/")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_door_opens_without_scripts(open_page: Open) -> None:
    make_user("sdr", email="ann@ours.example")
    page = open_page("/login/?next=/profile/")

    page.get_by_label("E-mail").fill("ann@ours.example")
    page.get_by_label("Password").fill("guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#id_password_error")).to_contain_text("4 tries left")
    expect(page.get_by_label("Password")).to_be_focused()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_url("**/profile/")


def _toast(page: Page, **detail: str) -> None:
    page.evaluate(
        "detail => document.body.dispatchEvent(new CustomEvent('toast', {detail}))",
        detail,
    )


@pytest.mark.parametrize("report", ["team", "nurture", "morning"])
def test_a_bar_of_tabs_is_one_row_on_a_phone_and_begins_at_the_open_one(open_page: Open, report: str) -> None:
    page = open_page(f"/reports/{report}/", make_user("manager"), size=PHONE)
    bar, tab = page.locator(".tabs"), page.locator(".tabs [aria-current]")
    expect(tab).to_be_in_viewport(ratio=0.95)
    around, open_tab = bar.bounding_box(), tab.bounding_box()
    assert around
    assert open_tab
    assert around["height"] < 60
    assert open_tab["x"] + open_tab["width"] <= around["x"] + around["width"] + 1


def test_on_a_phone_no_toast_covers_the_end_of_a_page_for_good(open_page: Open) -> None:
    page = open_page("/profile/", make_user("sdr"), size=PHONE)
    for number in range(2):
        _toast(page, text=f"Kept {number}", undo_url="/undo/")
    expect(page.locator(".toast")).to_have_count(2)

    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    last = page.locator("main form, main section").last.bounding_box()
    toast = page.locator(".toast").first.bounding_box()
    assert last
    assert toast
    assert last["y"] + last["height"] <= toast["y"]


def test_the_bar_above_the_preview_is_one_row_in_german_too(open_page: Open) -> None:
    ann = make_user("sdr", language="de")
    make_lead(owner=ann, stage="mql")
    page = open_page("/queue/", ann)
    counted = page.locator(".preview-bar > .muted").bounding_box()
    assert counted
    assert counted["height"] < 30
    assert page.locator(".preview-bar").evaluate("bar => bar.scrollWidth <= bar.clientWidth")
