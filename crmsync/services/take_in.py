"""Storing what was seen in a CRM, and applying it: the one way in for polls, hints, merges and verification."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from crmsync.adapters.base import Remote
from crmsync.canonical import canonical_all, digest
from crmsync.fields import OWNERS
from crmsync.models import Connection, InboxEvent, Link
from crmsync.services.apply import apply_record


def store(
    connection: Connection, remotes: Sequence[Remote], *, via: str, at: datetime, is_certain: bool = False
) -> int:
    """Write what was seen into the inbox. A state seen before is not stored again. Returns how many are new.

    ``is_certain``: read from the record itself, so it counts even where its stamp is older than what is known.
    """
    known = set(
        InboxEvent.objects.filter(
            connection=connection, dedupe_key__in=[_dedupe_key(remote, is_certain) for remote in remotes]
        ).values_list("dedupe_key", flat=True)
    )
    rows = [
        InboxEvent(
            connection=connection,
            via=via,
            dedupe_key=_dedupe_key(remote, is_certain),
            remote_id=remote.remote_id,
            body={
                "external_key": remote.external_key,
                "values": canonical_all(remote.values),
                "version": remote.version,
                "modified_at": remote.modified_at.isoformat(),
                "modified_by": remote.modified_by,
                "is_certain": is_certain,
            },
            received_at=at,
        )
        for remote in remotes
        if _dedupe_key(remote, is_certain) not in known
    ]
    InboxEvent.objects.bulk_create(rows, ignore_conflicts=True)
    _reopen(connection, [remote for remote in remotes if _dedupe_key(remote, is_certain) in known], is_certain)
    return len(rows)


def differs(remote: Remote, shadow: Mapping[str, Any]) -> bool:
    """Whether a record holds anything but what both sides last agreed on."""
    return any(shadow.get(name) != value for name, value in canonical_all(remote.values).items() if name in OWNERS)


def _reopen(connection: Connection, seen: Sequence[Remote], is_certain: bool) -> None:
    """A state that was applied and is not what the link holds: an older one, of the same instant, came after it."""
    shadows = dict(
        Link.objects.filter(connection=connection, remote_id__in=[one.remote_id for one in seen]).values_list(
            "remote_id", "shadow"
        )
    )
    differing = [
        _dedupe_key(one, is_certain)
        for one in seen
        if (shadow := shadows.get(one.remote_id)) is not None and differs(one, shadow)
    ]
    if differing:
        done = InboxEvent.objects.filter(connection=connection, dedupe_key__in=differing, state=InboxEvent.State.DONE)
        done.update(state=InboxEvent.State.READY, done_at=None)


def take_in(connection: Connection, remote: Remote, *, via: str, at: datetime) -> None:
    """Store one record's state and apply it at once. Call it with no transaction open."""
    store(connection, [remote], via=via, at=at, is_certain=True)
    apply_record(connection.pk, remote.remote_id)


def _dedupe_key(remote: Remote, is_certain: bool) -> str:
    return digest(
        {
            "id": remote.remote_id,
            "version": remote.version,
            "at": remote.modified_at,
            "values": digest(remote.values),
            "certain": is_certain,
        }
    )
