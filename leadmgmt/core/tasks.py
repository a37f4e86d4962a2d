"""The one door to the queue. Nothing else imports django_q."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from leadmgmt.core.broker import NotifyBroker
from leadmgmt.core.insertion import Insertion


class Inline:
    """Runs jobs in this process, each after the transaction that asked for it, one after another."""

    def __init__(self, skip: frozenset[str]) -> None:
        self.skip = skip
        self.waiting: deque[tuple[str, tuple[int | str, ...]]] = deque()
        self.running = False

    def take(self, path: str, keys: tuple[int | str, ...]) -> None:
        """Have the job run as soon as the transaction is through; a rollback forgets it, as the queue would."""
        if path not in self.skip:
            transaction.on_commit(partial(self._run, (path, keys)))

    def _run(self, job: tuple[str, tuple[int | str, ...]]) -> None:
        if job not in self.waiting:
            self.waiting.append(job)
        if self.running:
            return
        self.running = True
        try:
            while self.waiting:
                path, keys = self.waiting.popleft()
                resolve(path)(*keys)
        finally:
            self.running = False


_here: ContextVar[Inline | None] = ContextVar("inline_jobs", default=None)


@contextmanager
def inline(*, skip: frozenset[str] = frozenset()) -> Iterator[None]:
    """Within this block jobs run here instead of in a worker, those named in ``skip`` not at all.

    For the demo organisation, whose past is told in one go: the queue stays empty and `now.moment` holds for the jobs.
    """
    token = _here.set(Inline(skip))
    try:
        yield
    finally:
        _here.reset(token)


class Following:
    """Collects the jobs of one name whose transactions were committed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.jobs: dict[tuple[int | str, ...], None] = {}

    def take(self, keys: tuple[int | str, ...]) -> None:
        """Keep the job as soon as the transaction is through; a rollback forgets it, as the queue would."""
        transaction.on_commit(partial(self.jobs.setdefault, keys))


_following: ContextVar[Following | None] = ContextVar("following_jobs", default=None)


@contextmanager
def going_on_with(path: str) -> Iterator[None]:
    """Jobs of this name that are enqueued within the block run here when it ends, instead of through the queue.

    For a job that leads straight to another: it spares a round through the table. The row is the truth here too; a
    job that is lost with its process is nudged again by the clock.
    """
    following = Following(path)
    token = _following.set(following)
    try:
        yield
    finally:
        _following.reset(token)
    for keys in following.jobs:
        resolve(path)(*keys)


def enqueue(path: str, *keys: int | str) -> None:
    """Nudge a worker to call ``path`` with primary keys.

    The broker's table is in the same database, so the job exists exactly if the caller's transaction commits.
    The row it points at is the truth: a job may be lost or run twice without harm.
    """
    if not _is_taken(path, keys):
        async_task(path, *keys, task_name=f"{path.rsplit('.', 1)[-1]}:{'-'.join(map(str, keys))}"[:100])


def _is_taken(path: str, keys: tuple[int | str, ...]) -> bool:
    """Whether somebody in this process runs the job."""
    here, following = _here.get(), _following.get()
    if here is not None:
        here.take(path, keys)
    elif following is not None and following.path == path:
        following.take(keys)
    else:
        return False
    return True


class _Packer:
    """Stands in for the broker and collects the signed jobs."""

    list_key = "packed"

    def __init__(self) -> None:
        self.packed: list[str] = []

    def enqueue(self, task: str) -> int:
        """Take one."""
        self.packed.append(task)
        return len(self.packed)


def enqueue_many(path: str, keys: Iterable[int | str]) -> None:
    """Nudge a worker once for each key; what `enqueue` says holds, in two statements however many they are."""
    packer = _Packer()
    for key in keys:
        if not _is_taken(path, (key,)):
            async_task(path, key, task_name=f"{path.rsplit('.', 1)[-1]}:{key}"[:100], broker=packer)
    if packer.packed:
        NotifyBroker().enqueue_many(packer.packed)


def insert_and_enqueue(insertion: Insertion, path: str, key: int | str) -> tuple[Any, ...] | None:
    """Insert a row and, if that made one, enqueue a job (none for an empty ``path``): one statement, one round trip.

    Returns how many rows were made (0 or 1) and the source's columns; None where the source is empty. What `enqueue`
    says of jobs holds.
    """
    if not path:
        return NotifyBroker().insert_and_enqueue(insertion, None)
    if _here.get() is None:
        packer = _Packer()
        async_task(path, key, task_name=f"{path.rsplit('.', 1)[-1]}:{key}"[:100], broker=packer)
        return NotifyBroker().insert_and_enqueue(insertion, packer.packed[0])
    with transaction.atomic():
        found = NotifyBroker().insert_and_enqueue(insertion, None)
        if found and found[0]:
            enqueue(path, key)
        return found


def resolve(path: str) -> Any:
    """The callable behind a dotted job name."""
    return import_string(path)
