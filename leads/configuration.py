"""Configuration kept in memory for as long as nobody changes it.

Every table of configuration has stamps in ``leads_stamp``: triggers add one with each change of a row, in the
transaction of the change, and take away those before that nobody else is replacing. As long as a table has the same
stamps, it is the same. Looking at all of them is one short statement; reading providers, models, criteria, rules and
promises anew for each lead would be a dozen long ones.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from django.db import connection

T = TypeVar("T")
Stamps = tuple[str | None, ...]

_looked: ContextVar[dict[str, str] | None] = ContextVar("looked_at_stamps", default=None)


@contextmanager
def looked_at_once() -> Iterator[None]:
    """Within this block the stamps are looked at once, so that all of it goes by one state of the configuration.

    For as long as one transaction at most. Inside another such block it changes nothing.
    """
    if _looked.get() is not None:
        yield
        return
    token = _looked.set(_look())
    try:
        yield
    finally:
        _looked.reset(token)


class Kept(Generic[T]):
    """What ``load`` makes of some tables, kept while their stamps stay the same. Shared by all threads: read only."""

    def __init__(self, load: Callable[[], T], *tables: str) -> None:
        self._load, self._tables = load, tables
        self._known: tuple[Stamps, T] | None = None

    def __call__(self) -> T:
        """The present configuration. The stamps are read first: what is loaded is as new as they are, or newer."""
        looked = _looked.get()
        stamps = _of(_look() if looked is None else looked, self._tables)
        known = self._known
        if known is None or known[0] != stamps or None in stamps:
            known = self._known = stamps, self._load()
        return known[1]


def _of(looked: dict[str, str], tables: tuple[str, ...]) -> Stamps:
    return tuple(looked.get(table) for table in tables)


def _look() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, string_agg(stamp::text, ' ' ORDER BY stamp) FROM leads_stamp GROUP BY name")
        return dict(cursor.fetchall())
