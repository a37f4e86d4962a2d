"""The clock's loop: runs registered work when it is due, in the one process that holds the lock."""

import logging
import math
import time
from collections.abc import Callable
from datetime import datetime

from django.db import close_old_connections, connection, connections
from django.utils import timezone

from leadmgmt.core.clock import DueWork, registered

logger = logging.getLogger(__name__)

# "lead" and "cloc" as two 32-bit numbers: whoever holds this session lock acts, the others stand by.
LOCK = (0x6C656164, 0x636C6F63)
SLOW_SECONDS = 1.0
# How early a tick may come and still count for its second.
JITTER = 0.05


class Clock:
    """Which work is due, and the right to do it."""

    def __init__(self, now: Callable[[], datetime] = timezone.now) -> None:
        self._now = now
        self._next: dict[str, float] = {}
        # A connection of its own: the lock lives exactly as long as the session, work may reset its own one.
        self._session = connection.copy()

    def tick(self, elapsed: float) -> int:
        """Do what is due ``elapsed`` seconds into this process's life; returns how many kinds of work ran."""
        try:
            if not self._leads():
                return 0
        except Exception as error:
            logger.warning("The clock cannot reach the database (%s); trying again.", type(error).__name__)
            self._session.close()
            return 0
        due = [work for work in registered() if elapsed + JITTER >= self._next.get(work.name, 0.0)]
        for work in due:
            run(work, self._now())
            # Counted from the full second, or work for every second would slip past some of them.
            self._next[work.name] = math.floor(elapsed + JITTER) + work.every
        return len(due)

    def close(self) -> None:
        """Give up the lock."""
        self._session.close()

    def _leads(self) -> bool:
        """Whether this session holds the lock; taking it twice in one session would need releasing it twice."""
        with self._session.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                " AND classid = %s AND objid = %s) OR pg_try_advisory_lock(%s, %s)",
                [*LOCK, *LOCK],
            )
            return bool(cursor.fetchone()[0])


def run(work: DueWork, at: datetime) -> int | None:
    """Do one kind of work. What it raises is logged and stops no other; returns the rows moved, None on failure."""
    started = time.monotonic()
    try:
        close_old_connections()
        return work.run(at)
    except Exception:
        logger.exception("The clock's work %r failed.", work.name)
        connections.close_all()
        return None
    finally:
        took = time.monotonic() - started
        if took > SLOW_SECONDS:
            logger.warning("The clock's work %r took %.1f s.", work.name, took)
