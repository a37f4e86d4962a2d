"""News on a page that is nudged: it shows at once, though no timer of the page ever goes off."""

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from playwright.sync_api import Browser, Route, expect

from routing.notices import BREACHED
from routing.services.notify import tell
from tests.browser.conftest import let_requests_end
from tests.factories import make_user
from tests.web import cookie, streams_open, web_process
from tests.worker import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def from_source(route: Route) -> None:
    """Static files as they stand in the source: the process of the test collects none."""
    found = finders.find(route.request.url.partition("/static/")[2].partition("?")[0])
    route.fulfill(path=Path(str(found))) if found else route.fulfill(status=404)


def test_a_page_shows_news_at_once_though_it_never_asks_by_itself(browser: Browser) -> None:
    ann = make_user("sdr")
    name, _sep, value = cookie(ann).partition("=")
    with web_process() as port:
        address = f"http://localhost:{port}"
        context = browser.new_context(base_url=address)
        context.add_cookies([{"name": name, "value": value, "url": address}])
        context.route("**/static/**", from_source)
        page = context.new_page()
        page.clock.install()
        page.goto("/")
        page.clock.pause_at(page.evaluate("Date.now() + 5000"))
        wait_until(streams_open)
        # The page has asked once, when its stream began; what comes now can only come by a nudge.
        expect(page.locator("#news-after")).to_have_value("0")

        tell(ann, BREACHED, "test:1", None, context={"title": "Hello", "text": "there"})

        expect(page.locator("#news .toast").first).to_be_visible()
        context.close()
    let_requests_end()
