"""What time it is: one function for every service, so that a story can be told at the time it happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.utils import timezone

# The instant that was set, and how far it is behind the present if it goes on from there.
_moment: ContextVar[tuple[datetime, timedelta | None] | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """The present, or the instant that `moment` has set for this thread."""
    found = _moment.get()
    if found is None:
        return timezone.now()
    at, behind = found
    return at if behind is None else timezone.now() - behind


@contextmanager
def moment(at: datetime, *, ticking: bool = False) -> Iterator[None]:
    """Within this block `now()` is ``at``, or goes on from there: for a demo organisation's past and for tests.

    ``ticking`` keeps the true time that work takes, so that a past told in one go still shows how long steps took.
    """
    token = _moment.set((at, timezone.now() - at if ticking else None))
    try:
        yield
    finally:
        _moment.reset(token)
