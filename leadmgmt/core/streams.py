"""Server-sent events: one thread and one LISTEN connection a web process, however many screens look.

A view hands the connection of its request over (`hand_over`) and is done: its thread serves the next request, while
the hub keeps the socket and writes to it when PostgreSQL notifies the channel. The database says who is concerned and
nothing else, so that a stream carries no data of anybody: a screen that is nudged asks for its own news.
"""

import logging
import os
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger(__name__)

CHANNEL = "leadmgmt_news"
# File descriptors are finite; whoever comes later asks every ten seconds instead.
MOST = 800
KEEP_ALIVE = 15.0
# A stream ends now and then, so that whoever has signed out is not nudged for ever.
LONGEST = 30 * 60.0
TRY_AGAIN = 2.0
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
    b"X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\nretry: 3000\n\n"
)
NUDGE = b"event: news\ndata: \n\n"


class Client:
    """One screen that looks."""

    def __init__(self, connection: socket.socket, user_id: int) -> None:
        self.connection, self.user_id, self.since = connection, user_id, time.monotonic()

    def send(self, words: bytes) -> bool:
        """Write without waiting; False where the screen is gone, or does not read."""
        try:
            return self.connection.send(words) == len(words)
        except OSError:
            return False


class Hub:
    """The streams of this process."""

    def __init__(self) -> None:
        self._pid, self._lock = 0, threading.Lock()
        self._new: deque[Client] = deque()
        self._clients: set[Client] = set()
        self._database: BaseDatabaseWrapper | None = None
        self._is_away = False

    @property
    def count(self) -> int:
        """How many screens look."""
        return len(self._clients) + len(self._new)

    def add(self, client: Client) -> None:
        """Keep a screen; the thread starts with the first one."""
        with self._lock:
            if self._pid != os.getpid():
                # Nothing of the parent's is ours after a fork.
                self._pid, self._clients, self._new, self._database = os.getpid(), set(), deque(), None
                self._wake, self._waker = socket.socketpair()
                self._wake.setblocking(False)
                threading.Thread(target=self._run, name="streams", daemon=True).start()
            self._new.append(client)
            self._waker.send(b".")

    def _run(self) -> None:
        while True:
            try:
                with selectors.DefaultSelector() as selector:
                    self._serve(selector)
            except Exception as error:
                # The database is away, say: screens stay, and are nudged when it is back. Said once, not every try.
                if not self._is_away:
                    log.warning("streams: not listening to the database: %s", type(error).__name__)
                self._is_away = True
                self._close_database()
                time.sleep(TRY_AGAIN)

    def _serve(self, selector: selectors.BaseSelector) -> None:
        listening = self._listen()
        selector.register(listening.fileno(), selectors.EVENT_READ, listening)
        selector.register(self._wake, selectors.EVENT_READ, self._wake)
        for client in self._clients:
            selector.register(client.connection, selectors.EVENT_READ, client)
        self._is_away = False
        # Whatever was missed meanwhile.
        self._tell(selector, set(self._clients), NUDGE)
        spoken = time.monotonic()
        while True:
            for key, _events in selector.select(KEEP_ALIVE):
                if key.data is self._wake:
                    self._welcome(selector)
                elif isinstance(key.data, Client):
                    self._hear(selector, key.data)
            users = {int(one.payload) for one in listening.notifies(timeout=0) if one.payload.isdigit()}
            if users:
                self._tell(selector, {one for one in self._clients if one.user_id in users}, NUDGE)
            if time.monotonic() - spoken >= KEEP_ALIVE:
                spoken = time.monotonic()
                self._tell(selector, set(self._clients), b":\n\n")
                for client in [one for one in self._clients if spoken - one.since > LONGEST]:
                    self._drop(selector, client)

    def _welcome(self, selector: selectors.BaseSelector) -> None:
        self._wake.recv(4096)
        while self._new:
            client = self._new.popleft()
            self._clients.add(client)
            selector.register(client.connection, selectors.EVENT_READ, client)
            # Whatever came between its page and this moment: from here on it misses nothing.
            self._tell(selector, {client}, NUDGE)

    def _hear(self, selector: selectors.BaseSelector, client: Client) -> None:
        """A screen says nothing on its stream but good-bye."""
        try:
            is_gone = not client.connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            is_gone = True
        if is_gone:
            self._drop(selector, client)

    def _tell(self, selector: selectors.BaseSelector, clients: set[Client], words: bytes) -> None:
        for client in clients:
            if not client.send(words):
                self._drop(selector, client)

    def _drop(self, selector: selectors.BaseSelector, client: Client) -> None:
        if client in self._clients:
            self._clients.discard(client)
            selector.unregister(client.connection)
            client.connection.close()

    def _listen(self) -> Any:
        self._database = connections.create_connection(DEFAULT_DB_ALIAS)
        self._database.ensure_connection()
        listening = self._database.connection
        listening.execute(f"LISTEN {CHANNEL}")
        return listening

    def _close_database(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()


hub = Hub()


def hand_over(environ: Mapping[str, Any], user_id: int) -> bool:
    """Make the request's connection a stream of this person's; False where the server cannot, or has too many.

    The server is left with a connection that is closed already: what it still answers goes nowhere.
    """
    theirs = environ.get("gunicorn.socket")
    if not isinstance(theirs, socket.socket) or isinstance(theirs, ssl.SSLSocket) or hub.count >= MOST:
        return False
    # Who asks whether there is one wants no stream.
    if environ.get("REQUEST_METHOD") == "HEAD":
        return False
    kept = theirs.dup()
    kept.setblocking(False)
    client = Client(kept, user_id)
    blind, other = socket.socketpair()
    os.dup2(blind.fileno(), theirs.fileno())
    blind.close()
    other.close()
    if client.send(HEAD):
        hub.add(client)
    else:
        kept.close()
    return True
