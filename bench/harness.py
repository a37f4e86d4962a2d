"""What the benches share: the product under its own supervisor on a database of its own, senders, and figures."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "leadmgmt_bench"


@dataclass(frozen=True)
class Product:
    """A running product with a demo organisation and no leads."""

    port: int
    api_key: str
    pid: int

    @property
    def headers(self) -> dict[str, str]:
        """What every capture request carries."""
        return {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}


def _own_database() -> None:
    """Point the environment at a database of the bench's own, and make it empty."""
    url = os.environ.get("DATABASE_URL", "")
    if url:
        with psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {DATABASE}")
        os.environ["DATABASE_URL"] = urlsplit(url)._replace(path=f"/{DATABASE}").geturl()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def product() -> Iterator[Product]:
    """Start the product as `manage.py start` does; stop it and forget its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-bench-"))
    folder.chmod(0o755)
    _own_database()
    port = _free_port()
    os.environ |= {
        "LEADMGMT_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "PYTHONPATH": str(ROOT),
        "OUTBOUND_ALLOW_PRIVATE": "127.0.0.1",
        "PORT": str(port),
    }
    run = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*run, "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
    subprocess.run([*run, "demo", "--leads", "0"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    server = subprocess.Popen([*run, "start"], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        api_key = json.loads((folder / "demo.json").read_text())["api_key"]
        yield Product(port, api_key, server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def workers_halted(running: Product) -> Iterator[None]:
    """Keep the workers and the clock from working meanwhile, so that the web processes have the machine to themselves.

    The queue is empty when this begins, so that nobody is halted with a lock in hand.
    """
    wait_for_quiet()
    groups = [pid for pid in _children(running.pid) if b"gunicorn" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        for group in groups:
            os.killpg(group, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for_quiet(within: float = 600.0) -> None:
    """Return when every captured lead has been routed and told, and the queue is empty."""
    from django.db import connection

    until = time.monotonic() + within
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM django_q_ormq)"
                " + (SELECT count(*) FROM leads_leadevent WHERE needs_step AND handled_at IS NULL)"
                " + (SELECT count(*) FROM leads_capture WHERE status = 'received')"
            )
            if cursor.fetchone()[0] == 0:
                return
        time.sleep(0.2)
    raise SystemExit(f"The queue was not empty within {within:.0f} seconds.")


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit("The product did not start; its last words are above.")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("The product did not answer within a minute.")


def lead(number: int, run: str) -> bytes:
    """The body of one stranger's submission; no two are the same person."""
    return json.dumps(
        {
            "email": f"person{number}.{run}@company{number}-{run}.example",
            "first_name": "Ada",
            "last_name": f"Number {number}",
            "company": f"Company {number} {run}",
            "phone": f"+4930{number % 10_000_000:07d}",
            "job_title": "Head of Service",
            "country": "DE",
            "subject": "demo",
            "message": "We plan our technicians by hand.",
            "utm_source": "google-ads",
            "utm_campaign": "bench",
        }
    ).encode()


def post(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """One request on a connection that is kept; returns status and body."""
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def flood(product: Product, path: str, bodies: list[bytes], *, clients: int) -> float:
    """Send all bodies as fast as ``clients`` connections can; returns requests a second. Any refusal ends the bench."""
    waiting = iter(bodies)
    lock = threading.Lock()
    refused: list[str] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
        while not refused:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            status, answer = post(connection, path, body, product.headers)
            if status >= 300:
                refused.append(f"{path} answered {status}: {answer[:200]!r}")

    return _timed(work, clients, len(bodies), refused)


def _timed(work: Callable[[], None], clients: int, count: int, refused: list[str]) -> float:
    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise SystemExit(refused[0])
    return count / (time.perf_counter() - began)


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of all are at or below (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def report(bench: str, figure: str, **values: Any) -> None:
    """Print one figure as a JSON line and keep it in bench/results/."""
    row = {"bench": bench, "figure": figure, "at": datetime.now(UTC).isoformat(timespec="seconds")} | values
    line = json.dumps(row)
    print(line, flush=True)
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    with (results / f"{bench}.jsonl").open("a") as file:
        file.write(line + "\n")
