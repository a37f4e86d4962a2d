"""Locks between processes that vanish with their holder, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadmgmt.database.place import hand_over


class FileLock:
    """An flock on one file, shared or exclusive; held until ``release`` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Take the lock; with ``wait=False``, False when somebody is in the way."""
        if not self.path.exists():
            self.path.touch(mode=0o600)
            hand_over(self.path)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go, if held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock on ``path`` alone, waiting for whoever has it."""
    lock = FileLock(path)
    lock.take()
    try:
        yield
    finally:
        lock.release()
