"""Both histories of a field about which two sides differed: what stood here, what stood there, when, and by whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from crmsync.models import AuditRow, Conflict, InboxEvent, OutboxEntry

MOST_STEPS = 20


@dataclass(frozen=True)
class Step:
    """One value, from when on, and who gave it."""

    at: datetime
    value: Any
    who: str = ""


@dataclass(frozen=True)
class Histories:
    """The field's two histories, newest first; ``waiting``: a change of ours is still on its way."""

    conflict: Conflict
    here: list[Step]
    there: list[Step]
    waiting: bool


def histories(conflict: Conflict) -> Histories:
    """Gather both; as far as rows are kept."""
    link = conflict.link
    rows = AuditRow.objects.filter(link=link, changes__fields__has_key=conflict.field)
    waiting = OutboxEntry.objects.filter(
        connection=link.connection_id, opportunity=link.opportunity_id, done_at=None, fields__contains=[conflict.field]
    )
    return Histories(conflict, _here(conflict, rows.filter(verdict="applied")), _there(conflict), waiting.exists())


def _here(conflict: Conflict, rows: Iterable[AuditRow]) -> list[Step]:
    """What we wrote, and what we took over from there."""
    steps = []
    for row in rows:
        value = (row.changes["fields"][conflict.field] or [None, None])[1]
        who = _("taken over from the CRM") if row.direction == "pull" else _("sent by Leadmgmt")
        steps.append(Step(row.at, value, who))
    return _newest([*steps, Step(conflict.at, conflict.ours, _("stood here when they differed"))])


def _there(conflict: Conflict) -> list[Step]:
    """What was seen in the record; a state that says the same as the one before tells nothing new."""
    seen = InboxEvent.objects.filter(connection=conflict.link.connection_id, remote_id=conflict.link.remote_id or "")
    steps: list[Step] = []
    bodies = sorted(seen.values_list("body", flat=True), key=lambda body: (_moment(body), str(body["version"])))
    for body in bodies:
        value = body["values"].get(conflict.field)
        if not steps or steps[-1].value != value:
            steps.append(Step(_moment(body), value, body.get("modified_by") or ""))
    return _newest(steps)


def _moment(body: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(body["modified_at"]).astimezone(UTC)


def _newest(steps: list[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: step.at, reverse=True)[:MOST_STEPS]
