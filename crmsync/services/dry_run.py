"""A dry run: the same planner, whose commands are written down instead of sent. The CRM is only read."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crmsync.adapters.base import DEAL, Adapter, SetStage
from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for
from crmsync.canonical import canonical_all
from crmsync.fields import ALL_FIELDS
from crmsync.models import Connection, DryRun, Link, Opportunity, OutboxEntry
from crmsync.outgoing import NotMapped
from crmsync.services.claim import DEADLINE
from crmsync.services.outbox import external_key
from crmsync.services.parents import candidates_of
from crmsync.services.plan import plan_write
from leadmgmt.core.errors import ConfigurationError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import User

RUN = "crmsync.tasks.dry_run"
MOST_RECORDS = 100
SHOWN = 300
CREATE, UPDATE, SKIP, PROBLEM = "create", "update", "skip", "problem"


def begin_dry_run(connection: Connection, at: datetime | None = None) -> DryRun:
    """Ask for one; the page shows how far it is."""
    run = DryRun.objects.create(
        connection=connection, begun_at=at or now(), total=min(MOST_RECORDS, open_deals(connection).count())
    )
    enqueue(RUN, run.pk)
    return run


def open_deals(connection: Connection) -> Any:
    """The opportunities that this connection would hear of."""
    found = Opportunity.objects.filter(stage=Opportunity.Stage.OPEN, is_history=False)
    return found.select_related("lead__contact__company", "owner").order_by("-created_at")


def carry_out(run_id: int) -> str:
    """Plan each open deal against what the CRM holds, newest first. Safe to run twice."""
    run = DryRun.objects.select_related("connection").get(pk=run_id)
    if run.done_at is not None:
        return "done before"
    rows: list[dict[str, Any]] = []
    try:
        adapter = adapter_for(run.connection)
    except ConfigurationError as error:
        return _finish(run, rows, str(error))
    try:
        for opportunity in open_deals(run.connection)[:MOST_RECORDS]:
            rows.append(_row(opportunity, run.connection, adapter))
            if len(rows) % 5 == 0:
                DryRun.objects.filter(pk=run.pk).update(rows=rows)
    except AdapterError as error:
        return _finish(run, rows, f"{type(error).__name__}: {error}")
    finally:
        adapter.close()
    return _finish(run, rows, "")


def review(run: DryRun, by: User) -> None:
    """A person has read it: from now on the connection may be switched on."""
    DryRun.objects.filter(pk=run.pk, reviewed_at=None).update(reviewed_at=now(), reviewed_by=by)


def is_reviewed(connection: Connection) -> bool:
    """Whether somebody has read a dry run that went through."""
    return DryRun.objects.filter(connection=connection, error="").exclude(reviewed_at=None).exists()


def _finish(run: DryRun, rows: list[dict[str, Any]], error: str) -> str:
    DryRun.objects.filter(pk=run.pk).update(rows=rows, total=len(rows) if not error else run.total, error=error)
    DryRun.objects.filter(pk=run.pk).update(done_at=now())
    return error or f"{len(rows)} planned"


def _row(opportunity: Opportunity, connection: Connection, adapter: Adapter) -> dict[str, Any]:
    """One deal: what would be done, field by field, and what stands in its way."""
    link = Link.objects.filter(connection=connection, opportunity=opportunity).first()
    link = link or Link(connection=connection, opportunity=opportunity, external_key=external_key(opportunity))
    row: dict[str, Any] = {"opportunity": opportunity.pk, "lead": opportunity.lead_id, "name": opportunity.name}
    if not link.remote_id:
        found = adapter.find_by_key(DEAL, link.external_key, now() + DEADLINE)
        if len(found) > 1:
            return row | {"action": PROBLEM, "note": _("Several records in the CRM carry our key.")}
        if found:
            link.remote_id, link.remote_version = found[0].remote_id, found[0].version
            link.shadow = canonical_all(found[0].values)
    entry = OutboxEntry(connection=connection, opportunity=opportunity, fields=list(ALL_FIELDS))
    try:
        plan = plan_write(entry, link, connection, adapter, {})
    except NotMapped as error:
        return row | {"action": PROBLEM, "note": str(error)}
    if plan is None:
        return row | {"action": SKIP, "note": _("The CRM has all of it.")}
    fields = {name: [_shown(was), _shown(will)] for name, (was, will) in plan.changes.items()}
    action = UPDATE if link.remote_id or isinstance(plan.command, SetStage) else CREATE
    note = "" if link.remote_id else candidates_of(opportunity, connection, adapter)
    return row | {"action": action, "fields": fields, "note": note}


def _shown(value: Any) -> str:
    return "" if value is None else str(value)[:SHOWN]
