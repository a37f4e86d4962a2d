"""The `local` adapter: speaks to the built-in board as if it stood on the other side of a network.

The board is a database-backed CRM of its own; this adapter reaches it through `crmsync.board` alone, which is that
CRM's server. So the rule that an adapter touches no database of ours holds here too.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError

from crmsync import board
from crmsync.adapters.base import (
    DEAL,
    Associate,
    Capabilities,
    ChangePage,
    DeletionPage,
    FieldSchema,
    Health,
    Hint,
    RawRequest,
    RawResponse,
    Remote,
    RemoteSchema,
    SetStage,
    Upsert,
    Values,
    Window,
    Written,
)
from crmsync.adapters.errors import Ambiguous, Gone, Invalid, Malformed, Unavailable, Unsupported, VersionConflict
from leadmgmt.core.kept_words import worded

US = "leadmgmt"
CAPABILITIES = Capabilities(
    create_idempotency="unique_key",
    compare_and_set=True,
    version_kind="etag",
    timestamp_precision=timedelta(microseconds=1),
    # A request to the board stamps its change a moment before it commits.
    max_commit_lag=timedelta(seconds=30),
    max_in_flight=timedelta(seconds=5),
    deletes="absent",
    merges="silent",
    validates_picklists=False,
    webhooks=True,
)


class LocalAdapter:
    """One board. ``config`` may hold ``stages``, the names that `describe` reports."""

    contract = 1

    def __init__(self, config: Mapping[str, Any], secret: str = "") -> None:
        self._stages = tuple(config.get("stages", ()))

    def capabilities(self) -> Capabilities:
        """A unique key, compare-and-set, no feed of deletions."""
        return CAPABILITIES

    def fields(self, kind: str) -> Mapping[str, str]:
        """All that the board has."""
        return {name: name for name in board.FIELDS}

    def page_of(self, kind: str, remote_id: str) -> str:
        """The board's own page."""
        return f"/board/{remote_id}/"

    def check(self, deadline: datetime) -> Health:
        """The board needs no sign-in."""
        return Health(account_id="board", principal_id=US, server_time=board.clock())

    def describe(self, kind: str, deadline: datetime) -> RemoteSchema:
        """The board's fields."""
        fields = tuple(
            FieldSchema(name, type_, longest, nullable=name not in ("name", "stage"))
            for name, (type_, longest) in board.field_types().items()
        )
        digest = hashlib.sha256(repr((fields, self._stages)).encode()).hexdigest()
        return RemoteSchema(kind=kind, fields=fields, stages=self._stages, schema_hash=digest)

    def upsert(self, cmd: Upsert, deadline: datetime) -> Written:
        """Create or change a deal."""
        with _write_errors():
            deal, created = board.upsert_deal(
                external_key=cmd.external_key,
                values=cmd.set,
                deal_id=cmd.remote_id,
                if_version=int(cmd.if_version) if cmd.if_version else None,
                only_create=cmd.mode == "create",
                by=US,
            )
        return _written(deal, created)

    def set_stage(self, cmd: SetStage, deadline: datetime) -> Written:
        """Move a deal."""
        with _write_errors():
            deal = board.move_deal(
                cmd.remote_id,
                stage=cmd.stage,
                lost_reason=cmd.loss_reason,
                close_on=cmd.close_on,
                if_version=int(cmd.if_version) if cmd.if_version else None,
                by=US,
            )
        return _written(deal, created=False)

    def associate(self, cmd: Associate, deadline: datetime) -> None:
        """Company and contact are fields of the deal here."""

    def opt_out(self, email: str, purposes: Sequence[str], deadline: datetime) -> None:
        """There is no place for it."""

    def archive(self, kind: str, remote_id: str, if_version: str | None, deadline: datetime) -> None:
        """The board keeps every deal."""
        raise Unsupported("The board keeps every deal.")

    def get(self, kind: str, remote_id: str, deadline: datetime) -> Remote:
        """One deal."""
        with _read_errors():
            return _remote(board.read_deal(remote_id))

    def find_by_key(self, kind: str, external_key: str, deadline: datetime) -> list[Remote]:
        """The deal with our key, if it is there."""
        with _read_errors():
            return [_remote(deal) for deal in board.deals_with_key(external_key)]

    def match(self, kind: str, values: Values, deadline: datetime) -> list[Remote]:
        """Company and contact are fields of the deal here."""
        return []

    def changes(self, kind: str, window: Window, token: str | None, limit: int, deadline: datetime) -> ChangePage:
        """One keyset page of what changed."""
        after = None
        if token:
            at, _, last = token.partition("|")
            after = (datetime.fromisoformat(at), last)
        with _read_errors():
            deals = board.changes_since(window.lo, window.hi, after=after, limit=limit)
        full = len(deals) == limit
        token = f"{deals[-1].modified_at.isoformat()}|{deals[-1].pk}" if full else None
        return ChangePage([_remote(deal) for deal in deals], token, deals[-1].modified_at if full else window.hi)

    def deletions(self, kind: str, window: Window, token: str | None, deadline: datetime) -> DeletionPage:
        """The board deletes nothing."""
        raise Unsupported("The board deletes nothing.")

    def parse_webhook(self, raw: RawRequest, secrets: Sequence[str]) -> list[Hint]:
        """The board calls us inside the house, never over HTTP."""
        raise Malformed("The board sends no webhooks over HTTP.")

    def webhook_reply(self, accepted: bool) -> RawResponse:
        """Never asked for."""
        return RawResponse(202 if accepted else 400)

    def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def _write_errors() -> Iterator[None]:
    """The board's refusals in the words of the contract. What the server loses in mid-write is ambiguous."""
    try:
        yield
    except board.BoardRefusal as error:
        raise Invalid(field_errors=error.fields) from error
    except board.BoardConflict as error:
        raise VersionConflict(current=_remote(error.current)) from error
    except board.NoSuchDeal as error:
        raise Gone(worded("The board has no such deal.")) from error
    except DatabaseError as error:
        raise Ambiguous(worded("The board gave no answer: %(kind)s.", kind=type(error).__name__)) from error


@contextmanager
def _read_errors() -> Iterator[None]:
    try:
        yield
    except board.NoSuchDeal as error:
        raise Gone(worded("The board has no such deal.")) from error
    except DatabaseError as error:
        raise Unavailable(worded("The board gave no answer: %(kind)s.", kind=type(error).__name__)) from error


def _values(deal: board.Deal) -> dict[str, Any]:
    return {name: getattr(deal, name) for name in board.FIELDS}


def _written(deal: board.Deal, created: bool) -> Written:
    return Written(str(deal.pk), str(deal.version), _values(deal), created, deal.modified_at)


def _remote(deal: board.Deal) -> Remote:
    return Remote(
        kind=DEAL,
        remote_id=str(deal.pk),
        external_key=deal.external_key,
        values=_values(deal),
        version=str(deal.version),
        modified_at=deal.modified_at,
        modified_by=deal.modified_by,
    )
