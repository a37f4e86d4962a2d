"""A stand-in for an enrichment service: a real server on loopback that behaves and misbehaves as told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Service:
    """What the service says by path, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.behaviour = "good"
        self.answer: Any = {
            "company": {"size": 420, "sector": "Refrigeration"},
            "person": {"titles": ["Head of Service"]},
        }
        self.seconds = 0.0
        self.url = ""
        self.given_up = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        self._serve("")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _serve(self, body: str) -> None:
        service = self.service
        service.asked.append((self.command, self.path, dict(self.headers), body))
        behaviour = service.behaviour
        if behaviour == "hang":
            service.given_up.wait(20)
            return
        if behaviour.startswith("drip"):
            self._drip(b"X" if behaviour == "drip_headers" else b" ")
            return
        time.sleep(service.seconds)
        status, kind, content, headers = self._content(behaviour)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(content)

    def _content(self, behaviour: str) -> tuple[int, str, bytes, dict[str, str]]:
        good = json.dumps(self.service.answer).encode()
        known: dict[str, tuple[int, str, bytes, dict[str, str]]] = {
            "html": (200, "text/html", b"<html>Sign in</html>", {}),
            "huge": (200, "application/json", b'"' + b"x" * 10_000_000 + b'"', {}),
            "deep": (200, "application/json", b"[" * 100_000, {}),
            "scalar": (200, "application/json", b"42", {}),
            "empty": (204, "application/json", b"", {}),
            "unknown": (404, "application/json", b"{}", {}),
            "forbidden": (403, "application/json", b"{}", {}),
            "busy": (429, "application/json", b"{}", {"Retry-After": "3600"}),
            "broken": (503, "application/json", b"{}", {}),
            "moved": (302, "text/html", b"", {"Location": "http://169.254.169.254/"}),
        }
        return known.get(behaviour, (200, "application/json", good, {}))

    def _drip(self, byte: bytes) -> None:
        """One byte at a time, so that no single read ever times out."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n")
        self.wfile.write(b"X-Slow: " if byte == b"X" else b"\r\n")
        for _ in range(200):
            try:
                self.wfile.write(byte)
                self.wfile.flush()
            except ConnectionError:
                return
            if self.service.given_up.wait(0.1):
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def running_service() -> Iterator[Service]:
    """A service on a free port until the block ends."""
    service = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": service}))
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.given_up.set()
        server.shutdown()
        server.server_close()
