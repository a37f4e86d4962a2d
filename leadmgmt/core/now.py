"""What time it is: one function for every service, so that a story can be told at the time it happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """The present, or the instant that `moment` has set for this thread."""
    return _moment.get() or timezone.now()


@contextmanager
def moment(at: datetime) -> Iterator[None]:
    """Within this block `now()` is ``at``: for a demo organisation's past and for tests."""
    token = _moment.set(at)
    try:
        yield
    finally:
        _moment.reset(token)
