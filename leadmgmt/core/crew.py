"""The workers of one host: a parent that forks them, ends jobs that hang, and replaces workers that die.

django-q2's own cluster hands jobs over through a multiprocessing.Queue, whose lock dies with a killed worker: after
kill -9 of an idle one, no other gets a job again. Here every worker takes its jobs from the database itself, with
django-q2's worker function, so there is nothing shared that a kill could break, and no hop in between.
"""

import gc
import logging
import multiprocessing
import os
import signal
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from multiprocessing.context import ForkProcess
from multiprocessing.sharedctypes import RawValue
from typing import Any

from django.db import close_old_connections, connections
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.monitor import save_task
from django_q.signing import BadSignature, SignedPackage
from django_q.worker import worker

from leadmgmt.core.prepared import have_statements_prepared
from leadmgmt.core.processes import end_with_parent

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
GRACE_SECONDS = 25.0
ENDS = {signal.SIGTERM}


class Jobs:
    """What a worker reads its jobs from: the table, until told to stop."""

    def __init__(self, wake: int) -> None:
        self.broker = get_broker()
        self.stopping = False
        self._wake = wake

    def stop(self, *_: object) -> None:
        """Finish the job at hand and take no other."""
        self.stopping = True

    def get(self) -> dict[str, Any] | str:
        """The next job, or the word that ends django-q2's loop. Outlives a database that is away."""
        failures = 0
        while not self.stopping:
            try:
                for number, signed in self.broker.dequeue(wake=self._wake):
                    job = self._open(number, signed)
                    if job is not None:
                        return job
                self._drain()
                failures = 0
            except Exception as error:
                failures += 1
                logger.warning("The queue cannot be read (%s); trying again.", type(error).__name__)
                time.sleep(min(5.0, 0.2 * 2 ** min(failures, 6)))
        return "STOP"

    def _drain(self) -> None:
        """Forget signals that have been seen (a job's alarm clock is one), or waiting would end at once for ever."""
        with suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _open(self, number: int, signed: str) -> dict[str, Any] | None:
        try:
            job: dict[str, Any] = SignedPackage.loads(signed)
        except (TypeError, BadSignature):
            logger.error("Job %s is not signed with this SECRET_KEY and was dropped.", number)
            self.broker.fail(number)
            return None
        return job | {"ack_id": number, "cluster": Conf.CLUSTER_NAME}


class Results:
    """What a worker hands a finished job to: failures are kept for the admin, the job leaves the queue."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def put(self, job: dict[str, Any]) -> None:
        """Record and acknowledge. Should that fail, the job comes back later and finds its work done."""
        try:
            if not job["success"]:
                # The message may quote a person's data, so only its place is logged; the admin shows it.
                logger.error("Job %s failed; see Failed tasks in the admin.", job["name"])
                close_old_connections()
                save_task(job, self._jobs.broker)
            self._jobs.broker.acknowledge(job["ack_id"])
        except Exception as error:
            logger.warning("Job %s could not be acknowledged (%s).", job["name"], type(error).__name__)


class Deadline:
    """What django-q2's worker knows as its timer: the time by which the job at hand must be over.

    In shared memory and without a lock: one that a killed worker held would stop the parent.
    """

    def __init__(self) -> None:
        self._until = RawValue("d", 0.0)

    def get_lock(self) -> AbstractContextManager[None]:
        """Nothing to hold: one writer, one reader."""
        return nullcontext()

    @property
    def value(self) -> float:
        """Seconds left while working, -1 when idle."""
        until = float(self._until.value)
        return until - time.monotonic() if until else -1

    @value.setter
    def value(self, seconds: float) -> None:
        self._until.value = time.monotonic() + seconds if seconds > 0 else 0.0

    @property
    def passed(self) -> bool:
        """Whether a job is at work longer than it may."""
        until = float(self._until.value)
        return bool(until) and time.monotonic() > until


class Crew:
    """``size`` workers, kept at that number until told to stop."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: dict[ForkProcess, Deadline] = {}
        self._stopping = False
        self._quick_deaths = 0

    def stop(self, *_: object) -> None:
        """Let every worker finish the job at hand, then return from ``run``."""
        self._stopping = True

    def run(self) -> None:
        """Supervise until stopped."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        started = time.monotonic()
        while not self._stopping:
            while len(self._workers) < self._size:
                self._hire()
            time.sleep(LOOK_SECONDS)
            died = self._look()
            self._quick_deaths = self._quick_deaths + died if time.monotonic() - started < 30 else died
            if died:
                started = time.monotonic()
                time.sleep(min(5.0, 0.1 * 2 ** min(self._quick_deaths, 6)) if self._quick_deaths > 3 else 0)
        self._dismiss()

    def _hire(self) -> None:
        connections.close_all()
        deadline = Deadline()
        process = multiprocessing.get_context("fork").Process(target=work, args=(deadline, os.getpid()))
        # Until it listens itself it has this process's ear, which would take a word to end for one to the parent.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        self._workers[process] = deadline

    def _look(self) -> int:
        """End what hangs, forget what has ended; returns how many died of something else than their age."""
        died = 0
        for process, deadline in list(self._workers.items()):
            if deadline.passed:
                logger.error("A job has run %s seconds too long; its worker is replaced.", Conf.TIMEOUT)
                process.kill()
                process.join()
            if not process.is_alive():
                died += process.exitcode != 0
                del self._workers[process]
        return died

    def _dismiss(self) -> None:
        for process in self._workers:
            process.terminate()
        until = time.monotonic() + GRACE_SECONDS
        for process in self._workers:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def work(deadline: Deadline, parent: int) -> None:
    """The life of one worker."""
    end_with_parent(parent)
    have_statements_prepared()
    # What was there before the fork stays for good: collecting garbage need not look at it.
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    read, write = os.pipe()
    for end in (read, write):
        os.set_blocking(end, False)
    jobs = Jobs(read)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, jobs.stop)
    # Whoever wanted it to end while it started is heard now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    worker(jobs, Results(jobs), deadline, Conf.TIMEOUT)
