"""Writing down what a CRM has to be told, in the transaction of the change itself."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection as database

from crmsync.fields import ALL_FIELDS
from crmsync.models import Connection, Link, Opportunity, OutboxEntry
from leadmgmt.core.tasks import enqueue
from leads.models import Organisation

PUSH = "crmsync.tasks.push_connection"
# In a dry run entries wait where the health page shows what would be sent.
PUSHING = (Connection.Mode.BOTH, Connection.Mode.PUSH_ONLY, Connection.Mode.DRY_RUN)
UPSERT, STAGE = "upsert", "stage"
# Values that are written over with nothing, as their person was erased: the audit does not keep what they were.
ERASE = "erase"
# Deals that were there before their connection go behind what people do.
BEHIND = 1


def record_change(
    opportunity: Opportunity,
    fields: Iterable[str] = ALL_FIELDS,
    *,
    at: datetime,
    op: str = UPSERT,
    origin: Connection | None = None,
) -> list[OutboxEntry]:
    """Note that these fields changed; each connection that pushes gets an entry, except ``origin``, who told us.

    Call it inside the transaction of the change, with the opportunity locked: the entries and the change stand or
    fall together. Values are not stored; they are read when the entry is sent. History is never pushed.
    """
    if opportunity.is_history:
        return []
    connections = Connection.objects.filter(mode__in=PUSHING)
    if origin is not None:
        connections = connections.exclude(pk=origin.pk)
    entries = []
    opportunity.seq = _next_seq(opportunity)
    for connection in connections.order_by("pk"):
        entries.append(_entry(connection, opportunity, fields, at, op=op))
        enqueue(PUSH, connection.pk)
    return entries


def record_for(
    connection: Connection, opportunity: Opportunity, fields: Iterable[str], *, at: datetime, priority: int = 0
) -> OutboxEntry:
    """The same for one connection alone, as the others know it; nobody is nudged. ``priority``: 0 goes first."""
    opportunity.seq = _next_seq(opportunity)
    return _entry(connection, opportunity, fields, at, priority=priority)


def _entry(
    connection: Connection,
    opportunity: Opportunity,
    fields: Iterable[str],
    at: datetime,
    *,
    op: str = UPSERT,
    priority: int = 0,
) -> OutboxEntry:
    link_for(opportunity, connection)
    return OutboxEntry.objects.create(
        connection=connection,
        opportunity=opportunity,
        seq=opportunity.seq,
        op=op,
        fields=sorted(set(fields)),
        priority=priority,
        not_before=at,
        created_at=at,
    )


def link_for(opportunity: Opportunity, connection: Connection) -> Link:
    """The link of this opportunity to this CRM, made pending where there is none."""
    found = Link.objects.filter(connection=connection, opportunity=opportunity).first()
    if found is not None:
        return found
    key = external_key(opportunity)
    return Link.objects.get_or_create(connection=connection, opportunity=opportunity, defaults={"external_key": key})[0]


def _next_seq(opportunity: Opportunity) -> int:
    """Count one change more, in one statement."""
    with database.cursor() as cursor:
        cursor.execute("UPDATE crmsync_opportunity SET seq = seq + 1 WHERE id = %s RETURNING seq", [opportunity.pk])
        (seq,) = cursor.fetchone()
    return int(seq)


def external_key(opportunity: Opportunity) -> str:
    """The name under which any CRM finds this opportunity again; never an address or a name of a person."""
    organisation, _ = Organisation.objects.get_or_create(id=1, defaults={"name": "Leadmgmt"})
    return f"{organisation.instance}:opportunity:{opportunity.uuid}"
