"""What an adapter is: one Protocol and the frozen values that cross it (CRM_CONTRACT 3).

Adapters do I/O and nothing else: no database of ours, no threads, no sleeping, no retries of their own. Every call has
an absolute deadline. Values cross as str, int, bool, Decimal, aware datetime, date, list[str] or None; money is never
a float, a datetime never naive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

Value = str | int | bool | Decimal | datetime | date | list[str] | None
Values = Mapping[str, Value]

DEAL, COMPANY, CONTACT = "deal", "company", "contact"
# Read for routing alone: every company there (name, domain, owner_email, customer), and every deal, ours or not (name,
# amount, owner_email, account, state).
ACCOUNT, ANY_DEAL = "account", "any_deal"
# People there who want no more e-mails or calls: email, no_email, no_call.
OPT_OUT = "opt_out"


@dataclass(frozen=True)
class Capabilities:
    """What this CRM can do; known without asking it."""

    create_idempotency: Literal["client_id", "unique_key", "none"]
    compare_and_set: bool
    version_kind: Literal["timestamp", "etag", "none"]
    timestamp_precision: timedelta
    # How late a row may become visible after its own time of change.
    max_commit_lag: timedelta
    # How late the server may still carry out a request that we gave up on.
    max_in_flight: timedelta
    deletes: Literal["feed", "tombstone", "absent"]
    merges: Literal["redirect", "tombstone", "silent"]
    validates_picklists: bool
    stage_by_action: bool = False
    webhooks: bool = False
    # Loss reasons are a list there: one that nobody has mapped is held, not sent.
    lists_loss_reasons: bool = False
    search_cap: int | None = None
    batch_max: int = 1
    # What the vendor allows, where it is known.
    calls_per_second: float | None = None
    searches_per_second: float | None = None
    # Records of their own that a deal belongs to; without them company and person are fields of the deal.
    parents: tuple[str, ...] = ()
    # Those of them that are tied to the deal by a call of its own, after it was created.
    associates: tuple[str, ...] = ()
    # What `changes` tells beside our deals, in the order in which it is to be read: ACCOUNT, ANY_DEAL, OPT_OUT.
    tells: tuple[str, ...] = ()
    # What `opt_out` can note there: `email`, `call`.
    opts_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Health:
    """Who we are there, and the CRM's clock, which is the only one that cursors know."""

    account_id: str
    principal_id: str
    server_time: datetime
    budget: int | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What a CRM tells of its limits with its answers, as far as it does.

    ``left`` of ``most`` calls may still be made today. ``per_second``: how many at most, over its own window.
    """

    left: int | None = None
    most: int | None = None
    per_second: float | None = None


@dataclass(frozen=True)
class FieldSchema:
    """One field as the CRM describes it."""

    name: str
    type: str
    max_length: int | None = None
    nullable: bool = True
    options: tuple[str, ...] = ()
    # Whether our account may write it.
    is_writable: bool = True


@dataclass(frozen=True)
class RemoteSchema:
    """What one kind of record looks like there."""

    kind: str
    fields: tuple[FieldSchema, ...]
    stages: tuple[str, ...]
    schema_hash: str


@dataclass(frozen=True)
class Upsert:
    """Write these fields. A field that is absent stays as it is, None clears it."""

    kind: str
    external_key: str
    set: Values
    remote_id: str | None = None
    if_version: str | None = None
    mode: Literal["create", "update", "either"] = "either"
    # Our key goes along into a record that was there before.
    with_key: bool = False
    associations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SetStage:
    """Move to a stage, with the loss reason and close date that go with it, in one request where possible."""

    kind: str
    external_key: str
    remote_id: str
    stage: str
    loss_reason: str | None = None
    close_on: date | None = None
    if_version: str | None = None

    def as_upsert(self) -> Upsert:
        """The same in one write, for a CRM where a stage is a field like any other."""
        values: dict[str, Value] = {"stage": self.stage}
        values |= {"lost_reason": self.loss_reason} if self.loss_reason else {}
        values |= {"close_on": self.close_on} if self.close_on else {}
        return Upsert(self.kind, self.external_key, values, remote_id=self.remote_id)


@dataclass(frozen=True)
class Associate:
    """Tie two records together; doing it twice changes nothing."""

    kind: str
    remote_id: str
    to_kind: str
    to_id: str


@dataclass(frozen=True)
class Written:
    """What a write led to; ``after`` is read back from the CRM, as it keeps the values."""

    remote_id: str
    version: str
    after: Values
    created: bool | None = None
    modified_at: datetime | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remote:
    """One record as it stands in the CRM."""

    kind: str
    remote_id: str
    external_key: str | None
    values: Values
    version: str
    modified_at: datetime
    modified_by: str = ""
    deleted: bool = False
    merged_into: str | None = None


@dataclass(frozen=True)
class Window:
    """A stretch of the CRM's own clock, both ends included."""

    lo: datetime
    hi: datetime


@dataclass(frozen=True)
class ChangePage:
    """Part of a window. ``next_token`` leads on; a truncated page leaves the cursor where it is."""

    items: Sequence[Remote]
    next_token: str | None
    covered_to: datetime
    truncated: bool = False


@dataclass(frozen=True)
class DeletionPage:
    """Ids of records deleted within a window."""

    remote_ids: Sequence[str]
    next_token: str | None
    covered_to: datetime


@dataclass(frozen=True)
class Hint:
    """Something happened to a record; the record itself is read afterwards."""

    remote_id: str
    kind: str
    dedupe_key: str
    occurred_at: datetime | None = None
    change: str = ""


@dataclass(frozen=True)
class RawRequest:
    """A webhook as it came in, before anything was parsed."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RawResponse:
    """What the sender of a webhook gets back."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"


class Adapter(Protocol):
    """One CRM account. Raises only what stands in `crmsync.adapters.errors`."""

    contract: int

    def capabilities(self) -> Capabilities:
        """What this CRM can do; no I/O."""
        ...

    def fields(self, kind: str) -> Mapping[str, str]:
        """Our fields that this connection maps, and the CRM's for each; no I/O."""
        ...

    def page_of(self, kind: str, remote_id: str) -> str:
        """Where people look at this record in the CRM; empty where that is not known. No I/O."""
        ...

    def check(self, deadline: datetime) -> Health:
        """Whether the account opens, and the CRM's clock."""
        ...

    def describe(self, kind: str, deadline: datetime) -> RemoteSchema:
        """Fields, options and stages as the CRM has them now."""
        ...

    def upsert(self, cmd: Upsert, deadline: datetime) -> Written:
        """Create or change one record."""
        ...

    def set_stage(self, cmd: SetStage, deadline: datetime) -> Written:
        """Move one record; may take several steps in the CRM."""
        ...

    def associate(self, cmd: Associate, deadline: datetime) -> None:
        """Tie two records together."""
        ...

    def opt_out(self, email: str, purposes: Sequence[str], deadline: datetime) -> None:
        """Whoever has this address there wants no more of these; doing it twice changes nothing. Never undone by us."""
        ...

    def archive(self, kind: str, remote_id: str, if_version: str | None, deadline: datetime) -> None:
        """Put one record away as the CRM does."""
        ...

    def get(self, kind: str, remote_id: str, deadline: datetime) -> Remote:
        """One record, strongly consistent; raises Gone or Moved."""
        ...

    def find_by_key(self, kind: str, external_key: str, deadline: datetime) -> list[Remote]:
        """Every record with our key; never through a search index that lags behind."""
        ...

    def match(self, kind: str, values: Values, deadline: datetime) -> list[Remote]:
        """Companies of this domain, or people of this address, that stand in the CRM already."""
        ...

    def changes(self, kind: str, window: Window, token: str | None, limit: int, deadline: datetime) -> ChangePage:
        """What changed in the window, by (time, id), in keyset pages: records with a key of ours, and all that it
        `tells` for routing."""
        ...

    def deletions(self, kind: str, window: Window, token: str | None, deadline: datetime) -> DeletionPage:
        """What was deleted in the window; raises Unsupported where the CRM does not tell."""
        ...

    def parse_webhook(self, raw: RawRequest, secrets: Sequence[str]) -> list[Hint]:
        """Verify and read a webhook; raises BadSignature, Stale or Malformed."""
        ...

    def webhook_reply(self, accepted: bool) -> RawResponse:
        """What the CRM wants to hear."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
