"""How the queue is doing, for health pages and for whoever nudges."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django_q.models import Failure

KEEP_FAILURES = timedelta(days=30)


@dataclass(frozen=True)
class QueueState:
    """Jobs nobody has taken yet, jobs being worked on, and how long the oldest has been ready, in seconds."""

    waiting: int
    taken: int
    oldest_seconds: float


def state() -> QueueState:
    """The queue now. A job's lock is the time from which it may be taken: at first, when it was put."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE lock <= now()), count(*) FILTER (WHERE lock > now()),
                coalesce(extract(epoch FROM now() - min(lock) FILTER (WHERE lock <= now())), 0)
            FROM django_q_ormq
            """
        )
        waiting, taken, oldest = cursor.fetchone()
    return QueueState(waiting, taken, float(oldest))


def worked_off(at: datetime) -> datetime:
    """Until when, at most ``at``, the queue is worked off: each job put before that has been taken.

    A row is forgotten if it waits although the queue has come past it. One whose job stands in line is not: nudged all
    the same, a busy queue would be buried under jobs for the same rows, each minute deeper.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(lock) FROM django_q_ormq WHERE lock <= now()")
        oldest: datetime | None = cursor.fetchone()[0]
    return min(at, oldest) if oldest else at


def forget_failures(at: datetime) -> int:
    """Timed work: drop what failed long ago, which django-q2 never does. Returns how many."""
    count, _ = Failure.objects.filter(stopped__lt=at - KEEP_FAILURES).delete()
    return int(count)
