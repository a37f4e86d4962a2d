"""What may honestly be promised on a form. Who keeps promises lives in a higher app and registers itself here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Promise:
    """Somebody will be in touch within ``minutes``, as somebody is there now, until ``until`` (None: always)."""

    minutes: int
    until: datetime | None = None
    zone: str = ""


Source = Callable[[datetime], Promise | None]
_source: list[Source] = []


def register(source: Source) -> None:
    """Have ``source`` say what can be promised at an instant; the last one registered is asked."""
    _source[:] = [source]


def promise(at: datetime) -> Promise | None:
    """What can be promised to somebody who writes now; nothing where nobody knows."""
    return _source[0](at) if _source else None
