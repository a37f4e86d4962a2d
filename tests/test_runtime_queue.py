"""The queue: a job exists exactly if its transaction commits, is taken once, and outlives its worker."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django_q.brokers import get_broker
from django_q.models import OrmQ, Task

from leadmgmt.core.broker import TAKE, NotifyBroker, QueueLine
from leadmgmt.core.queue import forget_failures
from leadmgmt.core.tasks import enqueue
from leads.models import Team, User
from tests.worker import ROOT, drain, running_workers, surroundings, wait_until, writing_blocked

NOTE = "tests.jobs.note"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A file that jobs write to."""
    file = tmp_path / "trace"
    file.touch()
    return file


def words(trace: Path) -> list[str]:
    """What the jobs wrote."""
    return trace.read_text().split("\n")[:-1]


def other_sessions(what: str) -> int:
    """Ask something of all other sessions on this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_the_configured_broker_is_ours() -> None:
    assert isinstance(get_broker(), NotifyBroker)


def test_a_rolled_back_transaction_leaves_no_job(trace: Path) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue(NOTE, str(trace), "never")
        assert OrmQ.objects.count() == 1
        raise ZeroDivisionError

    assert OrmQ.objects.count() == 0


def test_four_takers_at_once_never_take_a_job_twice(trace: Path) -> None:
    for number in range(60):
        enqueue(NOTE, str(trace), str(number))
    taken: list[int] = []

    def take() -> None:
        line = QueueLine()
        try:
            while jobs := line.run(TAKE, [60, "leadmgmt", 1]):
                taken.extend(number for number, _ in jobs)
        finally:
            line.close()
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 60
    assert len(set(taken)) == 60


def test_real_workers_run_every_job_once(trace: Path) -> None:
    with running_workers(3, clock=False):
        for number in range(100):
            enqueue(NOTE, str(trace), str(number))
        wait_until(lambda: OrmQ.objects.count() == 0)

    assert sorted(words(trace), key=int) == [str(number) for number in range(100)]


def test_an_idle_worker_is_woken_at_once(trace: Path) -> None:
    with running_workers(1, clock=False):
        enqueue(NOTE, str(trace), "first")
        wait_until(lambda: words(trace) == ["first"])
        time.sleep(0.5)

        began = time.monotonic()
        enqueue(NOTE, str(trace), "second")
        wait_until(lambda: len(words(trace)) == 2)

        # Far below the two seconds after which a worker looks without having been woken.
        assert time.monotonic() - began < 1.0


def test_killing_idle_and_busy_workers_stops_neither_the_others_nor_the_queue(trace: Path) -> None:
    with running_workers(2, clock=False) as workers:
        enqueue("tests.jobs.note_and_sleep", str(trace), "busy", 30)
        wait_until(lambda: words(trace) == ["busy"])
        killed = workers.pids()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

        for number in range(10):
            enqueue(NOTE, str(trace), str(number))
        wait_until(lambda: len(words(trace)) == 11)

        assert not set(killed) & set(workers.pids())
    # The interrupted job is still there, to be taken again when its lock has run out.
    assert OrmQ.objects.count() == 1


def test_a_worker_killed_in_mid_step_leaves_nothing_of_the_step() -> None:
    with running_workers(1, clock=False) as workers, writing_blocked("leads_user") as someone_waits:
        enqueue("tests.jobs.make_team_and_member", "north")
        someone_waits()
        workers.kill_all()

    assert not Team.objects.exists()
    assert not User.objects.exists()
    # The job is still there; when its lock has run out (here: now) the next worker finishes it.
    assert OrmQ.objects.update(lock=datetime.now(UTC)) == 1
    with running_workers(1, clock=False):
        wait_until(lambda: OrmQ.objects.count() == 0)
    assert User.objects.get().team == Team.objects.get()


def test_a_failing_job_leaves_the_queue_and_is_kept_as_failed(trace: Path) -> None:
    with running_workers(1, clock=False):
        enqueue("tests.jobs.fail", str(trace))
        wait_until(lambda: OrmQ.objects.count() == 0)

    assert words(trace) == ["failing"]
    failed = Task.objects.get()
    assert not failed.success
    assert "this job always fails" in failed.result


def test_old_failures_are_forgotten_and_young_ones_kept() -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    for name, days in (("old", 31), ("young", 29)):
        stopped = at - timedelta(days=days)
        Task.objects.create(id=name, name=name, func="f", started=stopped, stopped=stopped, success=False)
    assert forget_failures(at) == 1
    assert [task.name for task in Task.objects.all()] == ["young"]


def test_a_successful_job_leaves_nothing_behind(trace: Path) -> None:
    with running_workers(1, clock=False):
        enqueue(NOTE, str(trace), "done")
        wait_until(lambda: OrmQ.objects.count() == 0)

    assert Task.objects.count() == 0


def test_a_stop_lets_the_job_at_hand_finish(trace: Path) -> None:
    with running_workers(1, clock=False) as workers:
        enqueue("tests.jobs.note_and_sleep", str(trace), "slow", 2)
        wait_until(lambda: words(trace) == ["slow"])
        workers.crew.send_signal(signal.SIGTERM)
        assert workers.crew.wait(20) == 0

    assert OrmQ.objects.count() == 0


def test_workers_end_when_their_parent_is_killed() -> None:
    with running_workers(2, clock=False) as workers:
        pids = workers.pids()
        workers.crew.kill()
        workers.crew.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


HIRE_AND_DIE = """
import os, signal, time, django
django.setup()
from leadmgmt.core import crew as made
made.have_statements_prepared = lambda: time.sleep(2)
crew = made.Crew(1)
signal.signal(signal.SIGTERM, crew.stop)
crew._hire()
print(*[process.pid for process in crew._workers], flush=True)
os._exit(0)
"""


def test_a_worker_whose_parent_dies_while_it_starts_ends_as_well(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as told:
        subprocess.run([sys.executable, "-c", HIRE_AND_DIE], cwd=ROOT, env=surroundings(), stdout=told, check=True)
    pid = int(said.read_text())
    try:
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), within=30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_workers_outlive_their_database_sessions(trace: Path) -> None:
    with running_workers(2, clock=False) as workers:
        enqueue("tests.jobs.name_connection", str(trace))
        wait_until(lambda: len(words(trace)) == 1)
        pids = set(workers.pids())
        wait_until(lambda: other_sessions("count(*)") >= 3)
        assert other_sessions("count(pg_terminate_backend(pid))") >= 3
        for _ in range(6):
            enqueue("tests.jobs.name_connection", str(trace))
        wait_until(lambda: len(words(trace)) == 7)

        assert set(workers.pids()) == pids


def test_drain_runs_what_is_queued_here_and_raises_errors(trace: Path) -> None:
    enqueue(NOTE, str(trace), "one")
    enqueue(NOTE, str(trace), "two")
    assert drain() == 2
    assert words(trace) == ["one", "two"]

    enqueue("tests.jobs.fail", str(trace))
    with pytest.raises(ValueError, match="always fails"):
        drain()
