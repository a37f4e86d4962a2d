"""Server-sent events on the real web server: few threads, many screens, nudges in time."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test import Client

from leadmgmt.core.streams import hand_over
from routing.notices import BREACHED
from routing.services.notify import tell
from tests.factories import make_user
from tests.web import ask, cookie, streams_open, web_process
from tests.worker import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SCREENS = 60


@pytest.fixture
def port() -> Iterator[int]:
    """One web process with two threads on this test's database."""
    with web_process() as number:
        yield number


def listen(port: int, kept: str) -> socket.socket:
    """An open stream, its head and the first nudge read: from here on it misses nothing."""
    stream = socket.create_connection(("127.0.0.1", port), timeout=10)
    request = f"GET /notifications/stream/ HTTP/1.1\r\nHost: localhost\r\nCookie: {kept}\r\n\r\n"
    stream.sendall(request.encode())
    head = b""
    while b"event: news\ndata: \n\n" not in head:
        part = stream.recv(4096)
        assert part, head
        head += part
    assert head.startswith(b"HTTP/1.1 200")
    assert b"text/event-stream" in head
    return stream


def heard(stream: socket.socket, within: float) -> bytes:
    stream.settimeout(within)
    try:
        return stream.recv(4096)
    except TimeoutError:
        return b""


def test_many_screens_are_nudged_while_two_threads_go_on_serving(port: int) -> None:
    ann, ben = make_user("sdr"), make_user("sdr")
    anns, bens = cookie(ann), cookie(ben)
    screens = [listen(port, anns) for _ in range(SCREENS)]
    other = listen(port, bens)
    wait_until(streams_open)

    # With thirty screens a thread, ordinary pages are served as before.
    assert all(b" 200 " in ask(port, "/healthz", "") for _ in range(10))
    tell(ann, BREACHED, "test:1", None)

    assert [heard(screen, 10) for screen in screens] == [b"event: news\ndata: \n\n"] * SCREENS
    assert heard(other, 0.5) == b""
    # One session listens for all of them; one that was begun beside it under load is given up again.
    wait_until(lambda: streams_open() == 1)

    # A screen that goes away is forgotten, the others are not.
    screens.pop().close()
    tell(ann, BREACHED, "test:2", None)
    assert all(b"event: news" in heard(screen, 10) for screen in screens)
    for screen in [*screens, other]:
        screen.close()


def test_a_screen_hears_again_after_the_database_was_away(port: int) -> None:
    ann = make_user("sdr")
    screen = listen(port, cookie(ann))
    wait_until(streams_open)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN leadmgmt_news'")

    # What may have been missed is asked for; then it goes on as before.
    assert b"event: news" in heard(screen, 20)
    wait_until(streams_open)
    tell(ann, BREACHED, "test:1", None)
    assert b"event: news" in heard(screen, 10)
    screen.close()


def test_news_that_is_rolled_back_nudges_nobody(port: int) -> None:

    ann = make_user("sdr")
    screen = listen(port, cookie(ann))
    wait_until(streams_open)
    with contextlib.suppress(RuntimeError), transaction.atomic():
        tell(ann, BREACHED, "test:1", None)
        raise RuntimeError

    assert heard(screen, 1) == b""
    screen.close()


def test_who_is_not_signed_in_gets_no_stream(port: int) -> None:
    assert b" 302 " in ask(port, "/notifications/stream/", "").split(b"\r\n")[0] + b" "


def test_where_the_server_cannot_stream_the_page_is_told_to_ask() -> None:
    client = Client()
    client.force_login(make_user("sdr"))

    assert client.get("/notifications/stream/").status_code == 204


def test_the_web_process_ends_with_screens_open(port: int) -> None:
    screen = listen(port, cookie(make_user("sdr")))
    began = time.monotonic()

    # The fixture ends the process; a stream must not hold it up.
    assert heard(screen, 0.2) == b""
    assert time.monotonic() - began < 5


def test_who_asks_whether_there_is_a_stream_is_given_none() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not hand_over({"gunicorn.socket": theirs, "REQUEST_METHOD": "HEAD"}, 1)
