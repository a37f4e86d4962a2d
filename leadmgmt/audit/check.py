"""One invariant, and what breaks it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import connection

MOST_SHOWN = 20


@dataclass(frozen=True)
class Breach:
    """One row that breaks an invariant: which, and how it stands."""

    check: str
    row: str
    detail: str


@dataclass(frozen=True)
class Check:
    """An invariant. Its SQL (or function) finds the rows that break it, as (row, detail)."""

    name: str
    meaning: str
    sql: str = ""
    find: Callable[[], Iterable[tuple[str, str]]] | None = None

    def rows(self) -> Iterator[tuple[str, str]]:
        """What breaks it."""
        if self.find is not None:
            yield from self.find()
            return
        with connection.cursor() as cursor:
            cursor.execute(self.sql)
            for row, detail in cursor.fetchall():
                yield str(row), "" if detail is None else str(detail)


def run(checks: Iterable[Check]) -> list[tuple[Check, list[Breach]]]:
    """Every check with what breaks it."""
    return [(one, [Breach(one.name, row, detail) for row, detail in one.rows()]) for one in checks]
