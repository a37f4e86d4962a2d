"""Real workers and a real clock for tests, and the means to kill them in the middle of their work.

Use with ``@pytest.mark.django_db(transaction=True)``: other processes see only what is committed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django_q.models import OrmQ

from leadmgmt.core.tasks import resolve

ROOT = Path(__file__).resolve().parent.parent


def surroundings() -> dict[str, str]:
    """The environment in which another process works on this test's database."""
    database = connection.settings_dict
    found = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "LEADMGMT_VAR": str(settings.VAR_DIR),
        "LEADMGMT_DATABASE": database["NAME"],
    }
    url = os.environ.get("DATABASE_URL")
    if url:
        front, _, query = url.partition("?")
        found["DATABASE_URL"] = f"{front.rpartition('/')[0]}/{database['NAME']}{'?' + query if query else ''}"
    return found


def wait_until(condition: Callable[[], object], *, within: float = 60.0) -> None:
    """Return when ``condition()`` is true; AssertionError if it is not within so many seconds."""
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, f"still not true after {within} s: {condition}"
        time.sleep(0.05)


@dataclass
class Workers:
    """The running processes of ``running_workers``."""

    crew: subprocess.Popen[bytes]
    clock: subprocess.Popen[bytes] | None

    def pids(self) -> list[int]:
        """The workers themselves (the crew's parent is not one)."""
        children = Path(f"/proc/{self.crew.pid}/task/{self.crew.pid}/children").read_text()
        return [int(word) for word in children.split()]

    def kill_one(self) -> int:
        """SIGKILL one worker, whatever it does; returns its pid."""
        pid = self.pids()[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_all(self) -> None:
        """SIGKILL every worker and the parent that would replace them."""
        for pid in [self.crew.pid, *self.pids()]:
            os.kill(pid, signal.SIGKILL)
        self.crew.wait()

    def stop(self) -> None:
        """End all processes as the product does."""
        for process in filter(None, (self.crew, self.clock)):
            if process.poll() is None:
                process.terminate()
        for process in filter(None, (self.crew, self.clock)):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running_workers(n: int = 1, *, clock: bool = True) -> Iterator[Workers]:
    """``n`` workers (and the clock) as real processes on this test's database, stopped at the end."""
    manage = [sys.executable, str(ROOT / "manage.py")]
    started = Workers(
        subprocess.Popen([*manage, "work", "--workers", str(n)], env=surroundings()),
        subprocess.Popen([*manage, "clock"], env=surroundings()) if clock else None,
    )
    try:
        wait_until(lambda: len(started.pids()) == n)
        yield started
    finally:
        started.stop()


@contextmanager
def writing_blocked(table: str) -> Iterator[Callable[[], None]]:
    """Let nobody write to ``table`` meanwhile: a worker's step that gets there stands still, half done.

    Yields a function that returns once somebody stands there. Then ``workers.kill_all()`` kills it in mid-step::

        with running_workers(1) as workers, writing_blocked("leads_scoresnapshot") as someone_waits:
            capture(...)
            someone_waits()
            workers.kill_all()
    """
    blocker = connection.copy()
    try:
        with blocker.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f'LOCK TABLE "{table}" IN SHARE ROW EXCLUSIVE MODE')

            def someone_waits() -> None:
                wait_until(lambda: _waiting(table))

            yield someone_waits
    finally:
        blocker.close()


def _waiting(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [f'"{table}"'])
        return bool(cursor.fetchone()[0])


def lose_jobs() -> None:
    """Empty the queue, as if every job that stood in it had died with its worker."""
    OrmQ.objects.all().delete()


def drain(limit: int = 1000) -> int:
    """Run all queued jobs here and now, in this process and on this connection; returns how many ran.

    For tests of services, which need no processes. Jobs that the jobs enqueue run too; errors are raised.
    """
    for ran in range(limit):
        with transaction.atomic():
            job = OrmQ.objects.order_by("pk").first()
            if job is None:
                return ran
            task = job.task
            job.delete()
        resolve(task["func"])(*task["args"], **task["kwargs"])
    raise AssertionError(f"The queue is not empty after {limit} jobs.")
