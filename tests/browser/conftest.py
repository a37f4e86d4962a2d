"""A browser for journeys: Debian's Chromium where it is, else Playwright's own download."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from leads.models import User
from qualification.desk import facts

# Playwright keeps an event loop in this thread; Django would take every query for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# A busy machine draws slowly.
expect.set_options(timeout=20_000)

CHROMIUM = Path("/usr/bin/chromium")
DESKTOP, PHONE = (1440, 900), (390, 844)

Open = Callable[..., Page]


@pytest.fixture(autouse=True)
def _any_hour_is_one_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journeys go the same way at night and on Sundays: whom one may call is looked at where the hour is given."""
    monkeypatch.setattr(facts, "CALLING_HOURS", (0, 24))
    monkeypatch.setattr(facts, "SATURDAY", 7)


class Running:
    """How many requests the live server is answering: between two of its queries the database looks idle."""

    def __init__(self) -> None:
        self.count, self.lock = 0, threading.Lock()
        request_started.connect(self.begin)
        request_finished.connect(self.end)

    def begin(self, **_said: object) -> None:
        self._add(1)

    def end(self, **_said: object) -> None:
        self._add(-1)

    def _add(self, number: int) -> None:
        # The tests' own client answers in the main thread.
        if threading.current_thread() is not threading.main_thread():
            with self.lock:
                self.count = max(0, self.count + number)


running_requests = Running()


def let_requests_end() -> None:
    """Wait until the server has answered what a closed window asked for last: emptying the tables needs all locks."""
    running = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    quiet = 0
    for _look in range(200):
        with connection.cursor() as cursor:
            cursor.execute(running)
            quiet = 0 if cursor.fetchone()[0] or running_requests.count else quiet + 1
        if quiet == 3:
            return
        time.sleep(0.02)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the session."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        path = str(CHROMIUM) if CHROMIUM.exists() else None
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Open]:
    """``open_page(path, user)``: a page in a window of its own, signed in; any error in its scripts fails the test."""
    contexts, faults = [], []

    def open_page(path: str, user: User | None = None, *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
        )
        contexts.append(context)
        if user:
            client = Client()
            client.force_login(user)
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    let_requests_end()
    assert faults == []
