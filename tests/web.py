"""The real web server on a test's database, for what the test client cannot show.

Use with ``@pytest.mark.django_db(transaction=True)``: another process sees only what is committed.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.test import Client

from leads.models import User
from tests.worker import ROOT, surroundings, wait_until


@contextmanager
def web_process() -> Iterator[int]:
    """One web process with two threads; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    more = {"PORT": str(number), "WEB_WORKERS": "1", "WEB_THREADS": "2", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gunicorn", "--config", "python:leadmgmt.web_process"]
    server = subprocess.Popen(command, cwd=ROOT, env=surroundings() | more, start_new_session=True)
    try:
        wait_until(lambda: answers(number))
        yield number
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        return b" 200 " in ask(port, "/healthz", "")
    return False


def cookie(user: User) -> str:
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


def ask(port: int, path: str, kept: str) -> bytes:
    """The head of the answer to a plain request."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {kept}\r\nConnection: close\r\n\r\n".encode())
        return plain.recv(4096)


def streams_open() -> int:
    """Whether the process listens; a test must not tell before it does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN leadmgmt_news'")
        return int(cursor.fetchone()[0])
