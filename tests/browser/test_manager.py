"""The manager reads the funnel: narrows it, compares it, opens the leads behind a figure, on desk and phone."""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from leads.events import record_event
from leads.models import Lead, Source
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.factories import make_lead, make_source, make_team, make_user

SHOTS = os.environ.get("SHOTS")
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def tell(stage: str, source: Source | None, *, days: int, steps: tuple[str, ...] = ()) -> Lead:
    """A lead first seen so many days ago that reached these stages, a day each."""
    at = timezone.now() - timedelta(days=days)
    stamps = {f"{step}_at": at + timedelta(days=place) for place, step in enumerate(steps, 1) if step != "recycled"}
    lead = make_lead(stage=stage, at=at, source=source, is_history=True, **stamps)
    record_event(lead, "lead.captured", at=at, quiet=True)
    for place, step in enumerate(steps, 1):
        record_event(lead, f"stage.{step}", at=at + timedelta(days=place), data={"from": "new"}, quiet=True)
    return lead


def tell_all() -> None:
    ads, fair = make_source("google-ads", name="Google Ads"), make_source("fair", name="Trade fair")
    for days in range(20, 40):
        tell("mql", ads, days=days, steps=("mql",))
        tell("new", fair, days=days)
    for days in range(10, 14):
        tell("sql", fair, days=days, steps=("mql", "sql"))
    tell("recycled", None, days=12, steps=("mql", "recycled"))
    for days in range(100, 110):
        tell("new", ads, days=days)


def fits(page: Page) -> bool:
    """Nothing sticks out to the right."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_manager_opens_the_leads_behind_a_figure(open_page: Open) -> None:
    tell_all()
    page = open_page("/reports/funnel/", make_user("manager"))
    expect(page.get_by_role("heading", name="Funnel", level=1)).to_be_visible()
    expect(page.locator(".flow-count").nth(2)).to_have_text("4")

    page.get_by_role("row", name="Trade fair").get_by_role("link", name="4").first.click()

    expect(page).to_have_url(re.compile(r"/leads/\?.*source=fair"))
    assert Lead.objects.filter(source__slug="fair", mql_at__isnull=False).count() == 4


def test_manager_narrows_by_source_without_leaving_the_page(open_page: Open) -> None:
    tell_all()
    page = open_page("/reports/funnel/", make_user("manager"))

    page.get_by_label("All sources").select_option("fair")

    expect(page).to_have_url(re.compile("source=fair"))
    expect(page.locator(".flow-count").first).to_have_text("24")
    page.reload()
    expect(page.locator(".flow-count").first).to_have_text("24")


def test_manager_compares_with_the_period_before(open_page: Open) -> None:
    tell_all()
    page = open_page("/reports/funnel/", make_user("manager"))

    page.get_by_role("link", name="Compare with the period before").click()

    expect(page).to_have_url(re.compile("compare=previous"))
    expect(page.locator(".flow-up").first).to_contain_text("pt")
    expect(page.locator(".report-sentence strong")).to_contain_text("Captured to MQL rose by")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_other_reports_are_compared_too_and_keep_what_was_chosen(open_page: Open, size: tuple[int, int]) -> None:
    tell_all()
    page = open_page("/reports/sources/?level=campaign", make_user("manager"), size=size)

    page.get_by_role("link", name="Compare with the period before").click()

    expect(page).to_have_url(re.compile("compare=previous.*level=campaign"))
    expect(page.get_by_role("heading", name=re.compile("^Against "))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Became SQL "))).to_contain_text("pt")
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"compared-{size[0]}.png"), full_page=True)
    page.get_by_role("link", name=re.compile("^against ")).click()
    expect(page.locator("#compared")).to_have_count(0)


def test_the_picture_has_a_table_that_says_the_same(open_page: Open) -> None:
    tell_all()
    page = open_page("/reports/funnel/", make_user("manager"))

    page.get_by_text("The same as a table, with definitions").click()

    expect(page.get_by_role("row", name=re.compile(r"^MQL 25 ")).first).to_be_visible()


@pytest.mark.parametrize("name", ["funnel", "speed", "sources", "team"])
@pytest.mark.parametrize("dark", [False, True])
def test_reports_fit_a_phone(open_page: Open, name: str, dark: bool) -> None:
    tell_all()

    page = open_page(f"/reports/{name}/", make_user("marketing"), size=PHONE, dark=dark)

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert fits(page)
    if name == "funnel":
        expect(page.locator(".funnel-step").first).to_be_visible()
        expect(page.locator("svg.chart").first).to_be_hidden()


def test_filters_work_without_javascript(open_page: Open) -> None:
    tell_all()
    page = open_page("/reports/funnel/", make_user("manager"))
    page.route("**/*.js", lambda route: route.abort())
    page.reload()

    page.get_by_label("All sources").select_option("fair")
    page.get_by_role("button", name="Show", exact=True).click()

    expect(page.locator(".flow-count").first).to_have_text("24")


def test_managers_morning(open_page: Open) -> None:
    """Signed in, they see what changed, set what the team shall reach, and see how far it is."""
    tell_all()
    team = make_team("dach", name="DACH")
    lead = make_lead(stage="sql", team=team, at=timezone.now() - timedelta(minutes=5))
    record_event(lead, "stage.sql", at=timezone.now() - timedelta(minutes=4), data={"from": "mql"}, quiet=True)
    page = open_page("/", make_user("manager"))
    expect(page.get_by_role("heading", name="This morning", level=1)).to_be_visible()

    page.get_by_role("link", name="Set targets for the month").click()
    page.get_by_label("DACH: SQLs a month").fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 target is another now.")).to_be_visible()
    page.goto("/reports/morning/")
    aims = page.locator(".aims", has_text="DACH")
    expect(aims.get_by_text("reached")).to_be_visible()

    aims.get_by_role("link", name="1").click()
    expect(page).to_have_url(re.compile(r"/leads/\?.*reached=sql"))
    expect(page.get_by_role("link", name=str(lead.contact))).to_be_visible()
