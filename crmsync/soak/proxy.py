"""A network that misbehaves, between an adapter and the CRM: each fault is asked for, counted, and strikes once."""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

# method, path, body
Request = tuple[str, str, bytes]
Where = Callable[[str, str, bytes], bool]
Headers = Sequence[tuple[str, str]]


@dataclass
class Fault:
    """What goes wrong.

    ``mode``: ``lost`` (carried out, the answer is lost), ``late`` (the line is cut at once, the CRM carries it out
    ``seconds`` later), ``reset`` (the line is cut, the CRM never hears of it), ``status`` (``status``, ``headers``
    and ``body`` instead of an answer, carried out before if ``is_done``), ``half`` (carried out, half an answer),
    ``slow`` (carried out, a byte a second), ``hang`` (nothing at all for ``seconds``).
    """

    mode: str
    where: Where | None = None
    times: int = 1
    skip: int = 0
    seconds: float = 0
    status: int = 500
    headers: Headers = ()
    body: bytes = b""
    is_done: bool = False


class Proxy:
    """In front of one CRM. ``is_write`` tells its requests apart: (method, path, body) → bool."""

    def __init__(self, target: str, is_write: Where) -> None:
        self.target = urlsplit(target)
        self.is_write = is_write
        self.faults: list[Fault] = []
        self.fired: Counter[str] = Counter()
        self.writes = self.calls = 0
        # Asked at each request where it is set; what it returns strikes.
        self.dice: Callable[[Request], Fault | None] | None = None
        self.lock = Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                """Nothing is said of each request."""

            def any(self) -> None:
                proxy.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = any

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A caller that gave up is part of the game."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def add(self, mode: str, on: str | Where = "write", **how: Any) -> Fault:
        """The next request of this kind ("write", "read", "any", or a function) meets a fault."""
        kinds: dict[str, Where] = {
            "write": self.is_write,
            "read": lambda *request: not self.is_write(*request),
            "any": lambda *_: True,
        }
        fault = Fault(mode, kinds[on] if isinstance(on, str) else on, **how)
        with self.lock:
            self.faults.append(fault)
        return fault

    def calm(self) -> None:
        """No more faults, and counting begins anew."""
        with self.lock:
            self.faults.clear()
            self.fired.clear()
            self.writes = self.calls = 0
            self.dice = None

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()

    def _next(self, request: Request) -> Fault | None:
        with self.lock:
            self.calls += 1
            if self.dice and (fault := self.dice(request)):
                self.fired[fault.mode] += 1
                return fault
            for fault in self.faults:
                if fault.times > 0 and fault.where and fault.where(*request):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    self.fired[fault.mode] += 1
                    return fault
        return None

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """One request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        request = (handler.command, handler.path, body)
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "connection"}
        handler.close_connection = True
        fault = self._next(request)
        if fault is None:
            self._reply(handler, *self.forward(request, headers))
            return
        mode = fault.mode
        if mode == "late":
            Thread(target=self._late, args=(request, headers, fault.seconds), daemon=True).start()
        if mode == "hang":
            time.sleep(fault.seconds)
        if mode in ("late", "hang", "reset"):
            return
        if mode == "status" and not fault.is_done:
            self._reply(handler, fault.status, fault.headers, fault.body)
            return
        status, sent, answer = self.forward(request, headers)
        if mode == "lost":
            return
        if mode == "status":
            self._reply(handler, fault.status, fault.headers, fault.body)
        elif mode == "half":
            self._reply(handler, status, sent, answer[: len(answer) // 2])
        else:
            self._drip(handler, status, sent, answer)

    def forward(self, request: Request, headers: dict[str, str]) -> tuple[int, Headers, bytes]:
        """Have the CRM carry it out."""
        method, path, body = request
        if self.is_write(*request):
            with self.lock:
                self.writes += 1
        line: http.client.HTTPConnection
        kind = http.client.HTTPSConnection if self.target.scheme == "https" else http.client.HTTPConnection
        line = kind(self.target.hostname or "", self.target.port, timeout=60)
        try:
            line.request(method, path, body, {**headers, "Host": self.target.netloc})
            answer = line.getresponse()
            sent = [
                (name, value)
                for name, value in answer.getheaders()
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "server")
            ]
            return answer.status, sent, answer.read()
        finally:
            line.close()

    def _late(self, request: Request, headers: dict[str, str], seconds: float) -> None:
        time.sleep(seconds)
        self.forward(request, headers)

    @staticmethod
    def _reply(handler: BaseHTTPRequestHandler, status: int, headers: Headers, body: bytes) -> None:
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        if not any(name.lower() == "date" for name, _ in headers):
            handler.send_header("Date", handler.date_time_string())
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _drip(self, handler: BaseHTTPRequestHandler, status: int, headers: Headers, body: bytes) -> None:
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(1)
