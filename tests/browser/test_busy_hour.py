"""A busy hour: leads come in while one works, a colleague is on the same lead, and nothing moves under the hand."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from leadmgmt.core.now import now
from leads.models import Contact, Lead
from qualification.models import Activity
from routing.models import PoolMember
from tests.browser.conftest import let_requests_end
from tests.browser.test_live_news import from_source
from tests.browser.test_sdr_day import came_in
from tests.factories import make_clock, make_contact, make_lead, make_policy
from tests.web import cookie, streams_open, web_process
from tests.worker import wait_until
from tests.world import World, build_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db: None) -> World:
    """Everything that comes is Ann's."""
    world = build_world()
    PoolMember.objects.exclude(rep__user=world.ann).delete()
    return world


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """The real web server, streams included."""
    with web_process() as port:
        yield f"http://localhost:{port}"
        let_requests_end()


def window(browser: Browser, address: str, user: Any, path: str) -> Page:
    name, _sep, value = cookie(user).partition("=")
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": name, "value": value, "url": address}])
    context.route("**/static/**", from_source)
    page = context.new_page()
    page.goto(path)
    return page


def waiting(world: World, count: int) -> list[Lead]:
    """Promises that end one after the other."""
    policy, found = make_policy(60), []
    for number in range(count):
        contact = make_contact(last_name=f"Waits{number}", phone=f"+49721555000{number}")
        lead = make_lead(owner=world.ann, contact=contact, team=world.ann.team)
        make_clock(lead, due_at=now() + timedelta(minutes=20 + 10 * number), policy=policy)
        found.append(lead)
    return found


def place(page: Page) -> dict[str, Any]:
    """What has the focus, where the list stands, and what is in it."""
    found: dict[str, Any] = page.evaluate(
        """() => ({ focus: document.activeElement?.id, scroll: document.querySelector('.queue-scroll').scrollTop,
                    rows: [...document.querySelectorAll('[data-row]')].map((row) => row.id) })"""
    )
    return found


def test_a_busy_hour(world: World, browser: Browser, address: str) -> None:
    leads = waiting(world, 4)
    page = window(browser, address, world.ann, "/queue/")
    expect(page.locator("[data-row]")).to_have_count(4)
    wait_until(streams_open)

    # Somebody writes while she is at the third line: she is told, and neither line nor list moves.
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#preview")).to_contain_text("Waits2")
    before = place(page)
    hot = came_in(world, "Urgent", phone="+4972155501840")
    told = page.locator(".toast", has_text="Urgent").first
    expect(told).to_be_visible()
    assert place(page) == before
    assert before["focus"] == f"lead-{leads[2].pk}"

    # One key shows it; no answer, and the next one that is most urgent follows by itself.
    page.keyboard.press("o")
    page.wait_for_url(f"**/leads/{hot.pk}/")
    page.wait_for_load_state()
    # At night a mail is proposed first; the server is a process of its own, with the real hour.
    page.keyboard.press("c")
    expect(page.locator(".disposition", has_text="No answer")).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Urgent: Call logged.")).to_be_visible()
    page.wait_for_url(f"**/leads/{leads[0].pk}/")

    # While she writes a colleague comes to the same lead and corrects the role. Her words stay, and she is told.
    page.get_by_label("What was said").fill("They plan in a spreadsheet")
    colleague = window(browser, address, world.bob, f"/leads/{leads[0].pk}/")
    expect(colleague.locator("#viewers")).to_contain_text("Ann Sdr is looking at this lead")
    colleague.locator(".fact", has_text="Role").hover()
    colleague.get_by_role("link", name="Correct: Role").click()
    colleague.get_by_label("Role", exact=True).fill("Head of Service")
    colleague.keyboard.press("Enter")
    expect(colleague.locator(".lead-name")).to_contain_text("Head of Service")
    expect(page.locator("#viewers")).to_contain_text("Bob Sdr is looking at this lead", timeout=25_000)
    expect(page.locator("#pulse")).to_contain_text("Show", timeout=25_000)
    expect(page.get_by_label("What was said")).to_have_value("They plan in a spreadsheet")

    # What she corrects from an older look does not write over his.
    page.locator(".fact", has_text="City").hover()
    page.get_by_role("link", name="Correct: City").click()
    expect(page.get_by_label("City", exact=True)).to_be_focused()
    Contact.objects.filter(pk=leads[0].contact_id).update(city="Ulm")
    page.get_by_label("City", exact=True).fill("Karlsruhe")
    page.keyboard.press("Enter")
    expect(page.locator("#fact-error")).to_contain_text("“Ulm” meanwhile")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Corrected.")).to_be_visible()
    expect(page.get_by_label("What was said")).to_have_value("They plan in a spreadsheet")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Log call").click()
    page.wait_for_url(f"**/leads/{leads[1].pk}/")

    # Two can wait until tomorrow: ticked by key, put aside, and back when that was one too many.
    page.goto("/queue/")
    page.locator(f"#lead-{leads[2].pk}").click()
    for key in "xjx":
        page.keyboard.press(key)
    for number in (2, 3):
        expect(page.get_by_role("checkbox", name=f"Tick Contact Waits{number}")).to_be_checked()
    page.get_by_role("button", name="Snooze until tomorrow").click()
    expect(page.get_by_text("2 leads changed.")).to_be_visible()
    assert Lead.objects.filter(snoozed_until__isnull=False).count() == 2
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.get_by_text("2 leads are as they were before.")).to_be_visible()
    assert not Lead.objects.filter(snoozed_until__isnull=False).exists()

    # The rest by keys alone, one after the other, until nothing waits.
    page.goto(f"/leads/{leads[1].pk}/")
    for lead in (leads[1], leads[2], leads[3]):
        page.wait_for_url(f"**/leads/{lead.pk}/")
        page.wait_for_load_state()
        page.keyboard.press("2")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("Call logged.").first).to_be_visible()
    page.wait_for_url("**/queue/")
    expect(page.locator(".queue-calm")).to_contain_text("Nothing waits for you.")
    assert Activity.objects.filter(kind="call", by=world.ann).count() == 5
    for one in (page, colleague):
        one.context.close()
