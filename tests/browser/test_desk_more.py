"""What a desk has besides: views that one comes back to, a swipe under a finger, and an admin's round of changes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, TimeoutError, expect

from leads.models import Change, Lead, Team, User
from qualification.models import SavedView
from routing.models import SlaPolicy
from tests.browser.conftest import PHONE, Open
from tests.factories import make_clock, make_contact, make_lead, make_organisation, make_policy, make_user
from tests.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db: None) -> World:
    return build_world()


def swipe(page: Page, across: int, down: int = 0) -> None:
    """A finger that goes over the lead's name."""
    session, box = page.context.new_cdp_session(page), page.locator("h1").bounding_box()
    assert box is not None
    x, y = 195, box["y"] + box["height"] / 2
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in (1, 2, 3):
        point = {"x": x + across * part / 3, "y": y + down * part / 3}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def go_on(page: Page, across: int) -> None:
    """Swipe to another lead; a machine that is busy may make of the first one a slow drag, which is no swipe."""
    here = page.url
    for _try in range(5):
        swipe(page, across)
        try:
            page.wait_for_url(lambda url: url != here, timeout=4000)
        except TimeoutError:
            continue
        return
    raise AssertionError("no swipe was taken for one")


def two_leads(owner: User) -> list[Lead]:
    leads = [make_lead(owner=owner, stage="new", contact=make_contact(last_name=name)) for name in ("Anders", "Berger")]
    for lead in leads:
        make_clock(lead)
    return leads


def test_a_swipe_goes_on_to_the_next_lead_and_back(world: World, open_page: Open) -> None:
    user = make_user("sdr")
    lead = two_leads(user)[0]
    page = open_page(f"/leads/{lead.pk}/", user, size=PHONE)
    here = page.url
    forth = page.locator('[data-swipe="next"]').count() > 0
    away = -160 if forth else 160

    swipe(page, away // 4)
    swipe(page, 20, 200)
    assert page.url == here
    go_on(page, away)
    expect(page.locator(f'[data-swipe="{"back" if forth else "next"}"]')).to_have_count(1)

    go_on(page, -away)
    assert page.url == here


def test_quick_hands_are_obeyed_in_their_order_however_slow_the_preview_is(world: World, open_page: Open) -> None:
    user = make_user("sdr")
    leads = [*two_leads(user), make_lead(owner=user, stage="new", contact=make_contact(last_name="Curie"))]
    make_clock(leads[2])
    page = open_page("/queue/", user)
    held: list[Route] = []
    page.route(re.compile(r"/queue/.*lead="), lambda route: held.append(route))
    rows, ticked = page.locator("[data-row]"), page.locator(".queue-tick input:checked")
    expect(rows).to_have_count(3)

    def next_preview() -> Route:
        while not held:
            page.wait_for_timeout(20)
        return held.pop()

    for key in "xjxjx":
        page.keyboard.press(key)
    expect(ticked).to_have_count(1)
    next_preview().continue_()
    expect(ticked).to_have_count(2)
    next_preview().continue_()
    expect(ticked).to_have_count(3)

    # What cannot be had is said, a key for it is forgotten, and the list can still be walked.
    page.keyboard.press("k")
    page.keyboard.press("x")
    next_preview().abort()
    expect(page.locator(".toast")).to_be_visible()
    page.keyboard.press("x")
    page.keyboard.press("k")
    next_preview().continue_()
    expect(page.locator("#preview:not([inert])")).to_be_visible()
    expect(ticked).to_have_count(3)
    page.keyboard.press("x")
    expect(ticked).to_have_count(2)


def test_filters_are_kept_as_a_view_and_opened_again(world: World, open_page: Open) -> None:
    user = make_user("sdr")
    two_leads(user)
    page = open_page("/leads/?q=Anders", user)
    page.locator(".saved-views summary").click()
    page.locator(".saved-views").get_by_label("Name").fill("Only Anders")
    page.get_by_role("button", name="Keep", exact=True).click()

    view = page.get_by_role("link", name="Only Anders")
    expect(view).to_have_attribute("aria-current", "true")
    page.goto("/leads/")
    expect(page.get_by_text("Berger").first).to_be_visible()
    page.get_by_role("link", name="Only Anders").click()
    expect(page.get_by_text("Berger")).to_have_count(0)

    page.get_by_role("button", name="Take the view Only Anders away").click()
    expect(page.get_by_role("link", name="Only Anders")).to_have_count(0)
    page.keyboard.press("u")
    expect(page.get_by_role("link", name="Only Anders")).to_be_visible()
    assert SavedView.objects.get().query == "q=Anders"


def test_an_admin_changes_something_sees_it_and_takes_the_text_elsewhere(
    transactional_db: None, open_page: Open, tmp_path: Path
) -> None:
    make_organisation()
    admin, policy = (
        make_user("admin", first_name="Ada", last_name="Admin"),
        make_policy(60, name="Slow", is_default=True),
    )
    page = open_page(f"/routing/promises/{policy.pk}/", admin)
    page.locator("[name=first_touch_minutes]").fill("20")
    page.get_by_role("button", name="Save").first.click()

    page.goto("/setup/")
    page.get_by_role("link", name="Who changed what").click()
    expect(page.locator(".change").first).to_contain_text("Ada Admin")
    expect(page.locator(".change-fields").first).to_contain_text("20")
    page.get_by_role("link", name="Configuration as text").click()
    with page.expect_download() as load:
        page.get_by_role("link", name="Take it along").click()
    file = tmp_path / "c.json"
    load.value.save_as(file)
    file.write_text(file.read_text().replace('"first_touch_minutes": 20', '"first_touch_minutes": 25'))

    page.locator("input[type=file]").set_input_files(str(file))
    page.get_by_role("button", name="What would change?").click()
    expect(page.get_by_role("heading", name="1 row would change")).to_be_visible()
    assert SlaPolicy.objects.get().first_touch_minutes == 20
    page.get_by_role("button", name="Put it in place").click()
    page.wait_for_url("**/setup/changes/")

    assert SlaPolicy.objects.get().first_touch_minutes == 25
    assert Change.objects.order_by("-pk")[0].actor == admin
    assert not Team.objects.exists()
