"""What one outbox entry means for the CRM right now: the fields that really differ, as one command."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from crmsync.adapters.base import DEAL, Adapter, Capabilities, SetStage, Upsert, Value
from crmsync.canonical import canonical
from crmsync.fields import ALL_FIELDS, BRIEF, BRIEFED, OWNERS, Owner
from crmsync.models import Connection, Link, Opportunity, OutboxEntry
from crmsync.outgoing import NotMapped, outgoing
from crmsync.services.outbox import STAGE
from leadmgmt.core.kept_words import worded

# What a deal cannot be created without, whatever the entry names.
CLOSING = ("stage", "lost_reason", "close_on")


@dataclass(frozen=True)
class Plan:
    """One write, and what it changes: field → (what both agreed on, what we send)."""

    command: Upsert | SetStage
    values: Mapping[str, Value]
    changes: Mapping[str, tuple[Any, Any]]


def plan_write(
    entry: OutboxEntry, link: Link, connection: Connection, adapter: Adapter, parents: Mapping[str, str]
) -> Plan | None:
    """The command for an entry, None where the CRM already has all of it. Raises NotMapped."""
    opportunity, can, mapped = entry.opportunity, adapter.capabilities(), adapter.fields(DEAL)
    if not link.remote_id:
        return _create(opportunity, link, connection, mapped, parents)
    names = [name for name in _named(entry) if name in mapped and name not in link.left_alone]
    values = outgoing(opportunity, connection, names)
    changes = _changes(link, values)
    if entry.op == STAGE:
        _refuse_unmapped(opportunity, connection, can)
        changes = {name: change for name, change in changes.items() if name == "stage" or values[name]}
    lacks_key = entry.op != STAGE and not link.has_key
    if not (changes or lacks_key) or (entry.op == STAGE and "stage" not in changes):
        return None
    version = link.remote_version if can.compare_and_set else None
    sent = {name: values[name] for name in changes}
    if entry.op != STAGE:
        command: Upsert | SetStage = Upsert(
            DEAL,
            link.external_key,
            sent,
            remote_id=link.remote_id,
            if_version=version or None,
            mode="update",
            with_key=lacks_key,
        )
    else:
        command = SetStage(
            DEAL,
            link.external_key,
            link.remote_id,
            values["stage"],
            loss_reason=values.get("lost_reason") or None,
            close_on=values.get("close_on"),
            if_version=version or None,
        )
    return Plan(command, sent, changes)


def _refuse_unmapped(opportunity: Opportunity, connection: Connection, can: Capabilities) -> None:
    """Where the CRM has a list of reasons, ours is one of them or waits for an admin."""
    reason = opportunity.loss_reason
    if can.lists_loss_reasons and reason is not None and not connection.loss_reasons.filter(reason=reason).exists():
        raise NotMapped(worded("No loss reason of %(slug)s means %(code)s.", slug=connection.slug, code=reason.code))


def _named(entry: OutboxEntry) -> list[str]:
    """The fields that the entry may write; the brief goes with whatever it is made of."""
    if entry.op == STAGE:
        return list(CLOSING)
    names = [name for name in entry.fields if OWNERS.get(name) is Owner.OURS]
    return [*names, BRIEF] if BRIEF not in names and BRIEFED.intersection(names) else names


def _create(
    opportunity: Opportunity,
    link: Link,
    connection: Connection,
    mapped: Collection[str],
    parents: Mapping[str, str],
) -> Plan:
    values = outgoing(opportunity, connection, [name for name in ALL_FIELDS if name in mapped])
    sent = {name: value for name, value in values.items() if canonical(value) is not None}
    command = Upsert(DEAL, link.external_key, sent, mode="create", associations=dict(parents))
    return Plan(command, sent, _changes(link, sent))


def _changes(link: Link, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        name: (link.shadow.get(name), canonical(value))
        for name, value in values.items()
        if canonical(value) != link.shadow.get(name)
    }
