"""A CRM in memory, with the faults that a network and a server bring: the outside world of the sync's tests."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock

from crmsync.adapters import errors
from crmsync.adapters.base import Capabilities, ChangePage, Health, Remote, RemoteSchema, Written
from crmsync.adapters.registry import register_adapter
from crmsync.fields import ALL_FIELDS
from crmsync.models import Connection, StageMap
from leadmgmt.core.now import now

CAPABILITIES = Capabilities(
    create_idempotency="unique_key",
    compare_and_set=True,
    version_kind="etag",
    timestamp_precision=timedelta(microseconds=1),
    max_commit_lag=timedelta(seconds=10),
    max_in_flight=timedelta(seconds=30),
    deletes="absent",
    merges="silent",
    validates_picklists=True,
)


class Killed(BaseException):
    """What a worker that is killed does not survive."""


@dataclass
class MemoryCrm:
    """The far side. ``faults``: what goes wrong at the next calls of an operation, one after another.

    A fault is an exception, raised before anything happens, or a pair ("after", exception), raised once it has
    happened, or a callable that is run first.
    """

    records: dict[str, Remote] = field(default_factory=dict)
    faults: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    calls: list[str] = field(default_factory=list)
    can: Capabilities = CAPABILITIES
    lock: Lock = field(default_factory=Lock)

    def __call__(self, config, secret):
        return MemoryAdapter(self)

    def only(self) -> Remote:
        """The one record there is."""
        (record,) = self.records.values()
        return record

    def edit(self, remote_id, by="human", at=None, **values):
        """Somebody edits a record over there."""
        record = self.records[remote_id]
        self.records[remote_id] = replace(
            record,
            values={**record.values, **values},
            version=str(int(record.version) + 1),
            modified_at=at or now(),
            modified_by=by,
        )


class MemoryAdapter:
    """Speaks to it."""

    contract = 1

    def __init__(self, crm: MemoryCrm) -> None:
        self.crm = crm

    def _meet(self, operation):
        """Run into the next fault; returns one that strikes after the deed."""
        self.crm.calls.append(operation)
        queue = self.crm.faults[operation]
        fault = queue.pop(0) if queue else None
        if callable(fault) and not isinstance(fault, type):
            fault()
            return None
        if isinstance(fault, BaseException):
            raise fault
        return fault[1] if fault else None

    def capabilities(self):
        return self.crm.can

    def fields(self, kind):
        return {name: name for name in ALL_FIELDS}

    def match(self, kind, values, deadline):
        return []

    def page_of(self, kind, remote_id):
        return ""

    def check(self, deadline):
        late = self._meet("check")
        if late:
            raise late
        return Health("memory", "us", now())

    def describe(self, kind, deadline):
        return RemoteSchema(kind, (), (), "")

    def upsert(self, cmd, deadline):
        late = self._meet("upsert")
        with self.crm.lock:
            written = (
                self._create(cmd) if cmd.remote_id is None else self._change(cmd.remote_id, cmd.set, cmd.if_version)
            )
        if late:
            raise late
        return written

    def set_stage(self, cmd, deadline):
        late = self._meet("set_stage")
        values = {"stage": cmd.stage, "lost_reason": cmd.loss_reason}
        with self.crm.lock:
            written = self._change(cmd.remote_id, values, cmd.if_version)
        if late:
            raise late
        return written

    def _create(self, cmd):
        if self.crm.can.create_idempotency != "none":
            for record in self.crm.records.values():
                if record.external_key == cmd.external_key:
                    return Written(record.remote_id, record.version, record.values, False, record.modified_at)
        record = Remote("deal", str(uuid.uuid4()), cmd.external_key, dict(cmd.set), "1", now(), "us")
        self.crm.records[record.remote_id] = record
        return Written(record.remote_id, "1", record.values, True, record.modified_at)

    def _change(self, remote_id, values, if_version):
        record = self.crm.records.get(remote_id)
        if record is None:
            raise errors.Gone("gone")
        if if_version and if_version != record.version:
            raise errors.VersionConflict(current=record)
        self.crm.edit(remote_id, by="us", **values)
        record = self.crm.records[remote_id]
        return Written(remote_id, record.version, record.values, False, record.modified_at)

    def get(self, kind, remote_id, deadline):
        self._meet("get")
        if remote_id not in self.crm.records:
            raise errors.Gone("gone")
        return self.crm.records[remote_id]

    def find_by_key(self, kind, external_key, deadline):
        self._meet("find_by_key")
        return [record for record in self.crm.records.values() if record.external_key == external_key]

    def changes(self, kind, window, token, limit, deadline):
        late = self._meet("changes")
        found = sorted(self.crm.records.values(), key=lambda one: (one.modified_at, one.remote_id))
        found = [one for one in found if window.lo <= one.modified_at <= window.hi]
        start = int(token or 0)
        page = found[start : start + limit]
        if late:
            raise late
        more = start + limit < len(found)
        return ChangePage(page, str(start + limit) if more else None, page[-1].modified_at if more else window.hi)

    def close(self):
        pass


def connect(crm: MemoryCrm, slug: str = "memory") -> Connection:
    """A connection to it, beside or instead of the board."""
    register_adapter(slug, crm)
    connection = Connection.objects.create(slug=slug, name=slug, adapter=slug)
    for place, (name, meaning) in enumerate((("Open", "open"), ("Demo", "open"), ("Won", "won"), ("Lost", "lost"))):
        StageMap.objects.create(
            connection=connection, remote=name, meaning=meaning, position=place, is_outbound_default=place == 0
        )
    return connection
