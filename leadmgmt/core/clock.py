"""What runs when it is due: apps register their due work here, the clock process calls it every second."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


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
