"""What opens a CRM account: a key that stays, or a token that is asked for again when it grows old."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crmsync.adapters.errors import AuthRevoked
from leadmgmt.core.kept_words import worded


@dataclass(frozen=True)
class Grant:
    """A fresh token. ``seconds``: how long it lives, where the CRM says so; ``refresh``: what to ask with next time."""

    access: str
    seconds: float | None = None
    refresh: str = ""


class Tokens(Protocol):
    """Where an adapter gets its token from. Kept by the engine, as it is shared by all workers."""

    def current(self, deadline: datetime) -> str:
        """The token in force, asked for where there is none yet."""
        ...

    def renewed(self, stale: str, deadline: datetime) -> str:
        """Another token than ``stale``; one worker asks, the others get what it got. Raises AuthRevoked."""
        ...


class FixedKey:
    """A key that a person has made in the CRM; when it is refused, a person has to make another one."""

    def __init__(self, key: str) -> None:
        self._key = key

    def current(self, deadline: datetime) -> str:
        """The key."""
        if not self._key:
            raise AuthRevoked(worded("No key is stored for this connection."))
        return self._key

    def renewed(self, stale: str, deadline: datetime) -> str:
        """There is no other."""
        raise AuthRevoked(worded("The CRM does not accept the key any more."))


class NoToken:
    """Before the engine has said where tokens are kept."""

    def current(self, deadline: datetime) -> str:
        """There is none."""
        raise AuthRevoked(worded("This connection is not signed in."))

    def renewed(self, stale: str, deadline: datetime) -> str:
        """Nor another."""
        raise AuthRevoked(worded("This connection is not signed in."))
