"""The one door to the queue. Nothing else imports django_q."""

from typing import Any

from django.utils.module_loading import import_string
from django_q.tasks import async_task


def enqueue(path: str, *keys: int | str) -> None:
    """Nudge a worker to call ``path`` with primary keys.

    The broker's table is in the same database, so the job exists exactly if the caller's transaction commits.
    The row it points at is the truth: a job may be lost or run twice without harm.
    """
    async_task(path, *keys, task_name=f"{path.rsplit('.', 1)[-1]}:{'-'.join(map(str, keys))}"[:100])


def resolve(path: str) -> Any:
    """The callable behind a dotted job name."""
    return import_string(path)
