"""The start: everything up under one supervisor, everything down again, and one sentence where it cannot be."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from leadmgmt.database.server import OwnServer
from tests.worker import ROOT, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    """One installation's files for all tests here: the first start is cold, the others are warm."""
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-start-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(var: Path, **changed: str) -> dict[str, str]:
    """The environment of a start: the developer's own, without what the tests have set."""
    ours = ("LEADMGMT_CLUSTER", "LEADMGMT_CLUSTER_DISPOSABLE", "DATABASE_URL", "SECRET_KEY", "MAKELEVEL", "PORT")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"LEADMGMT_VAR": str(var), "DJANGO_SETTINGS_MODULE": "leadmgmt.settings"} | changed


_running: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _nothing_left_running(var: Path) -> Iterator[None]:
    """A test that fails leaves no product behind."""
    yield
    while _running:
        process = _running.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()
    if (var / "postgres").exists():
        assert OwnServer(var / "postgres").leave()


@dataclass
class Product:
    """A running start."""

    process: subprocess.Popen[str]
    said: list[str]

    def read_until(self, pattern: str) -> str:
        """Read what it says until a line matches; returns the match's first group, or the match."""
        assert self.process.stdout
        # A test must not wait for a line that never comes.
        watchdog = threading.Timer(180, self.process.kill)
        watchdog.start()
        try:
            return self._read_until(pattern, self.process.stdout)
        finally:
            watchdog.cancel()

    def _read_until(self, pattern: str, stdout: IO[str]) -> str:
        for line in stdout:
            self.said.append(line)
            found = re.search(pattern, line)
            if found:
                return found.group(1) if found.groups() else found.group()
        raise AssertionError(f"it ended without saying {pattern!r}: {''.join(self.said)}")

    def family(self) -> dict[int, str]:
        """All processes below it, as pid → command line."""
        found: dict[int, str] = {}
        parents = [self.process.pid]
        while parents:
            pid = parents.pop()
            try:
                children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
                for child in children:
                    found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            except FileNotFoundError:
                continue
            parents += children
        return found

    def child(self, word: str) -> int:
        """The direct child with this word in its command line; 0 if there is none."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        family = self.family()
        return next((int(pid) for pid in children if word in family.get(int(pid), "")), 0)


def launch(var: Path, **changed: str) -> Product:
    """Start the product and return once it has said where it is."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "start"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=settings(var, **changed),
        start_new_session=True,
    )
    _running.append(process)
    return Product(process, [])


def gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def database_is_down(var: Path) -> bool:
    """Whether the own server's pid file is gone, which its clean end removes."""
    return not (OwnServer(var / "postgres").place.data / "postmaster.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_comes_up_answers_and_stops_cleanly(var: Path, number: signal.Signals) -> None:
    port = free_port()
    product = launch(var, PORT=str(port))
    url = product.read_until(r"ready: (http\S+)")
    assert url == f"http://localhost:{port}/"
    assert urllib.request.urlopen(f"{url}healthz").read() == b"ok\n"
    assert b'"ready": true' in urllib.request.urlopen(f"{url}readyz").read()
    # The clock's own jobs may stand in line for a moment.
    until = time.monotonic() + 20
    while b"leadmgmt_queue_waiting 0" not in (said := urllib.request.urlopen(f"{url}metrics").read()):
        assert time.monotonic() < until, said
        time.sleep(0.2)
    family = product.family()
    for word in ("gunicorn", "manage.py work", "manage.py clock"):
        assert any(word in command for command in family.values())

    product.process.send_signal(number)

    rest = product.process.communicate(timeout=90)[0]
    assert product.process.returncode == 0, "".join(product.said) + rest
    assert "Traceback" not in "".join(product.said) + rest
    assert all(gone(pid) for pid in family)
    assert database_is_down(var)


def test_a_second_start_takes_seconds(var: Path) -> None:
    took = 0.0
    for _ in range(2):
        began = time.monotonic()
        product = launch(var, PORT=str(free_port()))
        product.read_until("ready: ")
        took = time.monotonic() - began
        product.process.terminate()
        product.process.communicate(timeout=90)
    assert not any(line.startswith("Tables") for line in product.said)
    # Seconds on a machine of its own; a busy one gets its time.
    assert took < 60


def test_what_dies_is_started_again(var: Path) -> None:
    port = free_port()
    product = launch(var, PORT=str(port))
    url = product.read_until(r"ready: (http\S+)")
    for word in ("gunicorn", "manage.py work", "manage.py clock"):
        killed = product.child(word)
        os.kill(killed, signal.SIGKILL)
        product.read_until("process ended .SIGKILL.; starting it again now")
        wait_until(lambda word=word: product.child(word))
        assert product.child(word) != killed
    # The supervisor keeps the socket: a request that comes meanwhile waits, it is not refused.
    assert urllib.request.urlopen(f"{url}healthz", timeout=60).read() == b"ok\n"
    product.process.terminate()
    product.process.communicate(timeout=90)
    assert product.process.returncode == 0


def test_kill_9_of_the_supervisor_leaves_nothing_behind(var: Path) -> None:
    product = launch(var, PORT=str(free_port()))
    product.read_until("ready: ")
    family = product.family()
    assert len(family) >= 6

    product.process.kill()
    product.process.communicate(timeout=90)

    wait_until(lambda: all(gone(pid) for pid in family), within=30)
    wait_until(lambda: database_is_down(var), within=30)


def test_two_starts_share_the_database_and_the_last_one_stops_it(var: Path) -> None:
    first = launch(var, PORT=str(free_port()))
    address = first.read_until(r"ready: (\S+?)/$")
    second = launch(var, PORT=str(free_port()))
    assert second.read_until(r"runs from this folder already, at (\S+);") == address
    second.read_until("ready: ")
    first.process.terminate()
    first.process.communicate(timeout=90)
    assert first.process.returncode == 0
    assert not database_is_down(var)

    second.process.terminate()
    second.process.communicate(timeout=90)
    assert database_is_down(var)


def test_a_port_in_use_is_said_in_one_sentence(var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal(var, PORT=str(port))
    assert (
        said
        == f"Leadmgmt cannot start. PORT {port} is in use by another program: stop that, or set PORT to a free one."
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "localhost/leads", r"DATABASE_URL is not an address: write it as postgresql://"),
        ("DATABASE_URL", "mysql://root:secret@db/leads", r"begins with mysql://, and Leadmgmt runs on PostgreSQL only"),
        ("DATABASE_URL", "postgresql://me@db:fivefour/leads", r"a port or host that cannot be read"),
        ("DATABASE_URL", "postgresql://me@db", r"names no database"),
        ("DATABASE_URL", "postgresql://me@db/leads?pool=1", r"the option 'pool', which is not known"),
        ("DATABASE_URL", "postgresql://me@127.0.0.1:1/leads", r"no PostgreSQL answers at 127\.0\.0\.1:1"),
        ("DATABASE_URL", "postgresql://me@no.such.host.invalid/leads", r"'no\.such\.host\.invalid', is not known"),
        ("PORT", "eighty", r"PORT is 'eighty': set it to a whole number\."),
        ("PORT", "99999", r"PORT is 99999: set it between"),
        ("BIND", "192.0.2.77", r"BIND is '192\.0\.2\.77', which is no address of this machine"),
        ("PUBLIC_URL", "leads.example.com", r"PUBLIC_URL is 'leads\.example\.com': set it to an address"),
        ("DEBUG", "maybe", r"DEBUG is 'maybe': set it to true or false\."),
        ("WORKERS", "0", r"WORKERS is 0: set it between 1 and 64\."),
        ("FIELD_KEYS", "short", r"FIELD_KEYS: key number 1 is no Fernet key\."),
        ("ALLOWED_HOSTS", "other.example.com", r"ALLOWED_HOSTS lacks 'localhost', the host of PUBLIC_URL\."),
        ("EMAIL_URL", "mail.example.com", r"EMAIL_URL is not a mail server's address: write it as smtp://"),
        ("EMAIL_URL", "smtp://mail.example.com:many", r"EMAIL_URL has a port that cannot be read"),
        ("TIME_ZONE", "Berlin", r"TIME_ZONE is 'Berlin': set it to a name such as Europe/Berlin\."),
        ("LOG_LEVEL", "loud", r"LOG_LEVEL is 'loud': set it to "),
    ],
)
def test_a_wrong_setting_is_said_in_one_sentence(var: Path, name: str, value: str, sentence: str) -> None:
    said = refusal(var, **{name: value})
    assert re.search(sentence, said), said
    assert "secret" not in said


def test_a_wrong_password_and_a_missing_database_are_said_in_one_sentence(var: Path) -> None:
    server = OwnServer(var / "postgres")
    server.ensure_running("leadmgmt")
    try:
        where = f"?host={server.place.sockets}"
        said = refusal(var, DATABASE_URL=f"postgresql://leadmgmt:wrong@/leadmgmt{where}")
        assert "refuses the password of user 'leadmgmt'" in said
        said = refusal(var, DATABASE_URL=f"postgresql://leadmgmt:{server.place.password}@/absent{where}")
        assert "has no database 'absent'" in said
        assert server.place.password not in said
    finally:
        server.leave()


def refusal(var: Path, **changed: str) -> str:
    """What a start that cannot be says at its end: one line after the steps, exit code 1, no traceback."""
    product = launch(var, **changed)
    said, _ = product.process.communicate(timeout=60)
    lines = [line for line in said.splitlines() if line and not line.startswith((" ", "Database …", "Tables"))]
    assert product.process.returncode == 1, said
    assert len(lines) == 1, said
    return lines[0]
