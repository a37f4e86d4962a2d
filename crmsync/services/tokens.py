"""The token of each connection, in one place for all workers: one asks for a new one, the others get what it got."""

import json
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from django.db import transaction

from crmsync.adapters.tokens import Grant, Tokens
from crmsync.models import Connection, Session
from leadmgmt.core import secrets
from leadmgmt.core.now import now

# Renewed when so much of its life is over.
RENEWED_AT = 0.8


@runtime_checkable
class Granted(Protocol):
    """An adapter whose tokens grow old."""

    def use_tokens(self, tokens: Tokens) -> None:
        """Where they are kept."""
        ...

    def grant(self, refresh: str, deadline: datetime) -> Grant:
        """A fresh token."""
        ...


class StoredTokens:
    """The token of one connection, kept sealed. Call it with no transaction open."""

    def __init__(self, connection: Connection, adapter: Granted) -> None:
        self._connection = connection
        self._adapter = adapter

    def current(self, deadline: datetime) -> str:
        """The token in force; asked for where there is none or it has grown old."""
        session = Session.objects.filter(connection=self._connection).first()
        if session is None or _is_old(session):
            return self.renewed("", deadline)
        return _opened(session).get("access", "")

    def renewed(self, stale: str, deadline: datetime) -> str:
        """Another token than ``stale``, stored before it is used. Raises AuthRevoked, Unsent."""
        with transaction.atomic():
            Session.objects.get_or_create(connection=self._connection)
            session = Session.objects.select_for_update().get(connection=self._connection)
            kept = _opened(session)
            if kept.get("access") and kept["access"] != stale and not _is_old(session):
                return kept["access"]
            given = self._adapter.grant(kept.get("refresh", ""), deadline)
            refresh = given.refresh or kept.get("refresh", "")
            session.sealed = secrets.seal(json.dumps({"access": given.access, "refresh": refresh}))
            session.renewed_at = now()
            session.stale_at = (
                session.renewed_at + timedelta(seconds=given.seconds * RENEWED_AT) if given.seconds else None
            )
            session.save()
        return given.access


def _is_old(session: Session) -> bool:
    return not session.sealed or (session.stale_at is not None and session.stale_at <= now())


def _opened(session: Session) -> dict[str, str]:
    kept: dict[str, str] = json.loads(secrets.unseal(session.sealed)) if session.sealed else {}
    return kept
