"""What runs when it is due: apps register their due work here, the clock process calls it every second."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

Row = TypeVar("Row")

# One kind of work at a time: whoever takes longer keeps the promises of leads from being watched.
SPELL_SECONDS = 0.5


@dataclass(frozen=True)
class DueWork:
    """One kind of timed work: ``run(at)`` does what is due and returns how many rows it moved."""

    name: str
    run: Callable[[datetime], int]
    every: float = 1.0


_work: dict[str, DueWork] = {}


def register(name: str, run: Callable[[datetime], int], *, every: float = 1.0) -> None:
    """Have the clock call ``run(now)`` every ``every`` seconds. Registering a name again replaces it."""
    _work[name] = DueWork(name, run, every)


def registered() -> list[DueWork]:
    """All timed work, in the order of registration."""
    return list(_work.values())


def for_a_spell(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows that there is time for in one tick, at least one: the rest is due at the next."""
    until = time.monotonic() + SPELL_SECONDS
    for row in rows:
        yield row
        if time.monotonic() > until:
            return
