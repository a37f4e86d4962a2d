"""What a CRM says of itself: asked for by the hour, and what has changed since pauses only what it touches."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crmsync.adapters.base import DEAL, Adapter, FieldSchema
from crmsync.adapters.columns import AMOUNTS, DATES
from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for
from crmsync.fields import OWNERS, Owner
from crmsync.models import AuditRow, Connection
from crmsync.services.claim import DEADLINE
from crmsync.services.repair import release_held
from leadmgmt.core.now import now

EVERY = timedelta(hours=1)
TEXT, NUMBER, DAY, RECORD, YES_NO = "text", "number", "day", "record", "yes or no"
FAMILIES: dict[str, str] = {
    **dict.fromkeys(("currency", "double", "monetary", "float", "numeric", "number", "int", "integer"), NUMBER),
    **dict.fromkeys(("date", "datetime"), DAY),
    **dict.fromkeys(("reference", "many2one", "one2many", "many2many"), RECORD),
    **dict.fromkeys(("boolean", "bool"), YES_NO),
}
# Fields that an adapter fills by looking another record up, whatever their type there.
LOOKED_UP = frozenset({"owner_email", "stage", "lost_reason"})


def family(remote_type: str) -> str:
    """What kind of values a field of the CRM takes."""
    return FAMILIES.get(remote_type, TEXT)


def wanted_family(ours: str) -> str:
    """What kind of values a field of ours gives."""
    return NUMBER if ours in AMOUNTS else DAY if ours in DATES else TEXT


def complaint(ours: str, field: Mapping[str, Any] | None) -> str:
    """Why a field of ours cannot be kept in a field of theirs, empty where it can."""
    if field is None:
        return _("The CRM has no such field.")
    if OWNERS[ours] is Owner.OURS and not field.get("is_writable", True):
        return _("Our account may only read this field there.")
    if ours in LOOKED_UP:
        return ""
    wanted, given = wanted_family(ours), family(str(field["type"]))
    # HubSpot keeps everything as text, and a text holds every value.
    if given == TEXT or wanted == given:
        return ""
    return _("This field takes a %(given)s, and ours is a %(wanted)s.") % {
        "given": kind_names()[given],
        "wanted": kind_names()[wanted],
    }


def kind_names() -> dict[str, str]:
    """The kinds of values in words."""
    return {
        TEXT: _("text"),
        NUMBER: _("number"),
        DAY: _("date"),
        RECORD: _("record of its own"),
        YES_NO: _("yes or no"),
    }


def read_schema(connection: Connection, adapter: Adapter, at: datetime | None = None) -> dict[str, str]:
    """Ask the CRM, keep what it says, and pause the fields that are not as they were. Returns what is paused.

    Raises AdapterError where it gives no answer; then everything stays as it was.
    """
    told = adapter.describe(DEAL, now() + DEADLINE)
    fields = {one.name: _kept(one) for one in told.fields}
    mapped = adapter_for(connection, with_paused=True).fields(DEAL)
    # The kind of values that each mapped field took when the map was made.
    agreed: dict[str, str] = dict(connection.schema.get("agreed", {}))
    paused = {}
    for ours, theirs in mapped.items():
        # A field within a related record ("Owner.Email") is described with that record; some CRMs describe nothing.
        if "." in theirs or not fields:
            continue
        if why := complaint(ours, fields.get(theirs)):
            paused[ours] = why
        elif (kind := family(fields[theirs]["type"])) != agreed.setdefault(theirs, kind):
            paused[ours] = _("The CRM's field has changed its type.")
    with transaction.atomic():
        one = Connection.objects.select_for_update().get(pk=connection.pk)
        was_paused = set(one.paused_fields)
        one.schema = {"fields": fields, "stages": list(told.stages), "hash": told.schema_hash, "agreed": agreed}
        one.schema_at, one.paused_fields = at or now(), paused
        one.save(update_fields=["schema", "schema_at", "paused_fields"])
        if changed := was_paused.symmetric_difference(paused):
            _note(one, changed, paused)
    connection.refresh_from_db()
    if was_paused - set(paused):
        release_held(connection.pk)
    return paused


def read_if_due(connection: Connection, adapter: Adapter, at: datetime) -> None:
    """Once an hour, beside the work; a CRM that gives no answer is asked at the next turn."""
    if connection.schema_at is not None and connection.schema_at + EVERY > at:
        return
    try:
        read_schema(connection, adapter, at)
    except AdapterError:
        return


def unmapped_stages(connection: Connection) -> list[str]:
    """Stages that the CRM has and no map knows: records in them are held."""
    mapped = set(connection.stages.values_list("remote", flat=True))
    return [stage for stage in connection.schema.get("stages", []) if stage not in mapped]


def _kept(field: FieldSchema) -> dict[str, Any]:
    kept = asdict(field)
    said = {name: kept[name] for name in ("type", "max_length", "is_writable")}
    return said | {"options": list(kept["options"])[:200]}


def _note(connection: Connection, changed: Iterable[str], paused: Mapping[str, str]) -> None:
    AuditRow.objects.create(
        connection=connection,
        at=now(),
        direction="push",
        verdict="held",
        rule="schema drift",
        changes={"fields": {name: paused.get(name, "flows again") for name in sorted(changed)}},
        actor=f"crm:{connection.slug}",
    )
