"""How the queue is doing, for health pages."""

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


def forget_failures(at: datetime) -> int:
    """Timed work: drop what failed long ago, which django-q2 never does. Returns how many."""
    count, _ = Failure.objects.filter(stopped__lt=at - KEEP_FAILURES).delete()
    return int(count)
