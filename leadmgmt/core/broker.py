"""The queue's table as a queue that wakes its workers: NOTIFY when a job is put, LISTEN and SKIP LOCKED when taken."""

import os
import select
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from leadmgmt.core.insertion import Insertion

# One round trip, in the caller's transaction: the notification leaves exactly if the job is committed.
PUT = """
    WITH put AS (INSERT INTO django_q_ormq (key, payload, lock) VALUES (%s, %s, now()) RETURNING id)
    SELECT id, pg_notify('leadmgmt_queue', '') FROM put
"""
PUT_MANY = """
    WITH put AS (INSERT INTO django_q_ormq (key, payload, lock)
                 SELECT %s, payload, now() FROM unnest(%s::text[]) WITH ORDINALITY AS job (payload, place)
                 ORDER BY place)
    SELECT pg_notify('leadmgmt_queue', '')
"""
INSERT_AND_PUT = """
    WITH source AS ({source}), made AS ({insert}),
         put AS (INSERT INTO django_q_ormq (key, payload, lock) SELECT %s, %s, now() FROM made WHERE %s RETURNING id),
         told AS (SELECT pg_notify('leadmgmt_queue', '') FROM put)
    SELECT (SELECT count(*) FROM made) + 0 * (SELECT count(*) FROM told) {columns} FROM source
"""
TAKE = """
    UPDATE django_q_ormq SET lock = now() + make_interval(secs => %s)
    WHERE id IN (SELECT id FROM django_q_ormq WHERE key = %s AND lock <= now()
                 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
    RETURNING id, payload
"""

Job = tuple[int, str]


class QueueLine:
    """This process's own connection to the queue: it listens, takes and acknowledges, outside any transaction.

    It does not wait for the disk on commit: a crash of the server then at worst brings back a lock or a finished job,
    and every job may run twice.
    """

    def __init__(self) -> None:
        self._database: BaseDatabaseWrapper | None = None
        self._pid = 0

    def run(self, statement: str, values: list[Any]) -> list[Any]:
        """Execute one statement and return its rows. A connection that has broken is dropped, to be made anew."""
        try:
            with self._open().cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall()) if cursor.description else []
        except Exception:
            self.close()
            raise

    def wait(self, seconds: float, wake: int | None = None) -> None:
        """Wait for a notification, at most ``seconds``, or until the file descriptor ``wake`` can be read."""
        connection = self._open().connection
        try:
            # What arrived together with an answer lies in memory already, and would not wake select.
            if any(True for _ in connection.notifies(timeout=0)):
                return
            select.select([connection.fileno(), *([] if wake is None else [wake])], [], [], seconds)
            for _ in connection.notifies(timeout=0):
                pass
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection; one inherited through a fork is left to the parent."""
        database, self._database = self._database, None
        if database is not None and self._pid == os.getpid():
            database.close()

    def _open(self) -> BaseDatabaseWrapper:
        if self._database is None or self._pid != os.getpid():
            database = connections[Conf.ORM].copy()
            with database.cursor() as cursor:
                cursor.execute("SET synchronous_commit = off")
                cursor.execute("LISTEN leadmgmt_queue")
            self._database, self._pid = database, os.getpid()
        return self._database


_line = QueueLine()


class NotifyBroker(ORM):  # type: ignore[misc]  # django_q ships no types
    """django-q2's broker on the same database, without its polling."""

    @staticmethod
    def get_connection(list_key: str | None = None) -> Any:
        """The queue's rows. Unlike the parent's it closes no connection: a web request may be using it."""
        return OrmQ.objects.using(Conf.ORM)

    def enqueue(self, task: str) -> int:
        """Put a signed job, in the caller's transaction; returns its number."""
        with connections[Conf.ORM].cursor() as cursor:
            cursor.execute(PUT, [self.list_key, task])
            return int(cursor.fetchone()[0])

    def enqueue_many(self, tasks: list[str]) -> None:
        """Put many signed jobs in their order, in the caller's transaction."""
        with connections[Conf.ORM].cursor() as cursor:
            cursor.execute(PUT_MANY, [self.list_key, tasks])

    def insert_and_enqueue(self, insertion: Insertion, task: str | None) -> tuple[Any, ...] | None:
        """Insert a row and put a signed job (if there is one) exactly if that made one."""
        source = insertion.source or "SELECT"
        statement = INSERT_AND_PUT.format(source=source, insert=insertion.statement, columns=insertion.columns)
        values = [*insertion.source_values, *insertion.values, self.list_key, task, task is not None]
        with connections[Conf.ORM].cursor() as cursor:
            cursor.execute(statement, values)
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found

    def dequeue(self, wake: int | None = None) -> list[Job]:
        """Take up to Conf.BULK jobs; with none there, wait for one to be put and return nothing.

        Jobs whose notification was missed and jobs of a dead worker are found after Conf.POLL seconds.
        """
        jobs: list[Job] = _line.run(TAKE, [Conf.RETRY, self.list_key, Conf.BULK])
        if not jobs:
            _line.wait(Conf.POLL, wake)
        return jobs

    def delete(self, task_id: int) -> None:
        """Take a job off the queue for good."""
        _line.run("DELETE FROM django_q_ormq WHERE id = %s", [task_id])
