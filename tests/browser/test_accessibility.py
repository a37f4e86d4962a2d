"""WCAG 2.2 AA by axe-core: every page with live data on it, light and dark, without a single violation.

With SHOTS set to a folder, each page is also kept as pictures: both widths, both themes, both languages. SHOTS_OF keeps
those alone whose names have it in them.
"""

import gzip
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from pytest_django.live_server_helper import LiveServer

from leads.models import User
from tests.browser.conftest import DESKTOP, PHONE, let_requests_end
from tests.browser.tour import make_tour

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async tags => {
    const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
    return found.violations.map(one => ({id: one.id, help: one.help,
        where: one.nodes.slice(0, 3).map(node => node.target.join(' ') + ' | ' + node.failureSummary)}));
}"""
# What moves while the page loads, as Chromium scores it; up to a tenth counts as steady (web.dev, "Cumulative Layout
# Shift").
SHIFTS = """window.shifted = 0;
new PerformanceObserver(list => list.getEntries().filter(one => !one.hadRecentInput)
    .forEach(one => { window.shifted += one.value; }))
    .observe({type: 'layout-shift', buffered: true});"""
MOST_SHIFTED = 0.05
A_ROW = 30
# By how much the page and each of its columns are longer than what is seen of them.
ONE_SCREEN = """() => [document.documentElement, ...document.querySelectorAll('.lead-column')]
    .map(part => part.scrollHeight - part.clientHeight)"""
HEAVIEST = 150_000
# As few pages as show both kinds: signed in or not.
OPEN_TO_ALL = ("leads:hosted_form", "leads:form_thanks", "leads:consent, unknown", "qualification:mail_stop", "login")


@pytest.fixture
def window(browser: Browser, live_server: LiveServer) -> Iterator[Any]:
    """``window(user)``: a context, signed in where somebody is named."""
    opened = []

    def open_window(user: User | None, size: tuple[int, int] = DESKTOP, language: str = "en") -> BrowserContext:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": size[0], "height": size[1]},
            is_mobile=size == PHONE,
            has_touch=size == PHONE,
            locale=language,
            reduced_motion="reduce",
        )
        opened.append(context)
        cookies = [{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}]
        if user:
            client = Client()
            client.force_login(user)
            name = settings.SESSION_COOKIE_NAME
            cookies.append({"name": name, "value": client.cookies[name].value, "url": live_server.url})
        context.add_cookies(cookies)
        return context

    yield open_window
    for context in opened:
        context.close()
    let_requests_end()


def violations(page: Page) -> list[str]:
    """What axe finds wrong on the page as it stands."""
    page.evaluate(AXE)
    return [f"{one['id']}: {one['help']}: {'; '.join(one['where'])}" for one in page.evaluate(RUN, TAGS)]


def weight(page: Page, answer: Response) -> int:
    """Bytes that travel when the page is opened for the first time: what it loads is sent compressed."""
    own = answer.request.sizes()["responseBodySize"]
    loaded = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
    files = {path.removeprefix(settings.STATIC_URL) for path in loaded if path.startswith(settings.STATIC_URL)}
    return own + sum(_compressed(name) for name in files)


@cache
def _compressed(name: str) -> int:
    found = finders.find(name)
    assert isinstance(found, str), name
    return len(gzip.compress(Path(found).read_bytes()))


def test_every_page_in_both_themes(window: Any) -> None:
    """No violation in either theme, nothing that moves while it loads, nothing that
    runs over a phone's edge, and no page that weighs too much."""
    user, pages = make_tour()
    pages["login"] = "/login/"
    contexts = window(user), window(None)
    for context in contexts:
        context.add_init_script(SHIFTS)
    mine, stranger = (context.new_page() for context in contexts)
    found: dict[str, list[str]] = {}
    unsteady: dict[str, float] = {}
    heavy: dict[str, int] = {}
    wide: dict[str, int] = {}
    for name, path in pages.items():
        page = stranger if name in OPEN_TO_ALL else mine
        answer = page.goto(path)
        assert answer is not None
        assert answer.status in (200, 404), (name, answer.status)
        if (moved := page.evaluate("window.shifted")) > MOST_SHIFTED:
            unsteady[name] = moved
        if (bytes_sent := weight(page, answer)) > HEAVIEST:
            heavy[name] = bytes_sent
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        if (width := page.evaluate("document.documentElement.scrollWidth")) > PHONE[0]:
            wide[name] = width
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # a word of two
            if wrong := violations(page):
                found[f"{name} ({theme})"] = wrong
    assert len(pages) > 85
    assert (unsteady, heavy, wide) == ({}, {}, {})
    assert found == {}, "\n".join(f"{name}\n  " + "\n  ".join(wrong) for name, wrong in found.items())


@pytest.mark.skipif(not SHOTS, reason="pictures are made where somebody asks for them")
def test_pictures_of_every_page(window: Any) -> None:
    user, pages = make_tour()
    wanted = {name: path for name, path in pages.items() if os.environ.get("SHOTS_OF", "") in name}
    folder = Path(SHOTS or "")
    folder.mkdir(parents=True, exist_ok=True)
    for language in ("en", "de"):
        User.objects.filter(pk=user.pk).update(language=language)
        for width, size in (("wide", DESKTOP), ("phone", PHONE)):
            page = window(user, size, language).new_page()
            for name, path in wanted.items():
                page.goto(path)
                for theme in ("light", "dark"):
                    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # a word of two
                    file = f"{name.replace(':', '-').replace(', ', '-')}-{width}-{theme}-{language}.png"
                    page.screenshot(path=str(folder / file))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_lead_is_one_screen(window: Any, language: str) -> None:
    user, pages = make_tour()
    User.objects.filter(pk=user.pk).update(language=language)
    page = window(user, DESKTOP, language).new_page()
    leads = {name: path for name, path in pages.items() if name.startswith("qualification:lead_detail")}
    assert len(leads) >= 5
    over = {}
    for name, path in leads.items():
        with page.expect_response("**/crm/"):
            page.goto(path)
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        over[name] = page.evaluate(ONE_SCREEN)
    # The page itself never scrolls. The demo's leads differ from day to day; one with much to say may need a row more.
    assert {one[0] for one in over.values()} == {0}
    assert max(max(one) for one in over.values()) <= A_ROW, over
