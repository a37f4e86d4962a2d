"""How the queue is doing, for health pages."""

from dataclasses import dataclass

from django.db import connection


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
