"""Comparing by night and on demand: what was found is kept, and what an admin allows is mended, if it is little."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for
from crmsync.models import Connection, ReconcileRun
from crmsync.services import breaker
from crmsync.services.pull import read_record
from crmsync.services.reconcile import NoAnswer, Report, reconcile
from leadmgmt.core.errors import ConfigurationError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue

RUN = "crmsync.tasks.reconcile_connection"
# What reading a record again can mend.
MENDABLE = ("field_diff", "missing_remote", "merged")
# Beyond this share of the links something bigger is wrong, and a person is asked.
MOST_SHARE = 0.01
ALWAYS = 10
NIGHT = range(1, 5)
REST = timedelta(hours=20)
KEPT = timedelta(days=90)
MODES = (Connection.Mode.BOTH, Connection.Mode.PULL_ONLY)


def compare(connection_id: int) -> str:
    """One comparison. Safe to run twice. Returns what was found, in words."""
    connection = Connection.objects.get(pk=connection_id)
    run = ReconcileRun.objects.create(connection=connection, begun_at=now())
    try:
        report = reconcile(connection)
    except (NoAnswer, ConfigurationError) as error:
        ReconcileRun.objects.filter(pk=run.pk).update(done_at=now(), error=str(error))
        return "no answer"
    mended = _mend(connection, report)
    ReconcileRun.objects.filter(pk=run.pk).update(
        done_at=now(),
        remote=report.remote,
        links=report.links,
        counts=dict(report.counts),
        samples=dict(report.samples),
        mended=mended,
    )
    ReconcileRun.objects.filter(connection=connection, begun_at__lt=now() - KEPT).delete()
    return f"{sum(report.counts.values())} differences, {mended} mended"


def compare_due(at: datetime) -> int:
    """Clock: connections that were not compared since yesterday, by night."""
    if at.astimezone(ZoneInfo(settings.TIME_ZONE)).hour not in NIGHT:
        return 0
    fresh = ReconcileRun.objects.filter(begun_at__gte=at - REST).values("connection")
    due = Connection.objects.filter(mode__in=MODES).exclude(pk__in=fresh)
    due = due.exclude(pk__in=breaker.resting(breaker.READS, at))
    keys = list(due.values_list("pk", flat=True))
    for key in keys:
        enqueue(RUN, key)
    return len(keys)


def begin(connection: Connection) -> None:
    """On demand."""
    enqueue(RUN, connection.pk)


def _mend(connection: Connection, report: Report) -> int:
    allowed = [kind for kind in connection.config.get("mend", MENDABLE) if kind in MENDABLE]
    wanted = [remote_id for kind in allowed for remote_id in report.remote_ids[kind]]
    if not wanted or len(wanted) > max(ALWAYS, report.links * MOST_SHARE):
        return 0
    return _read_again(connection, dict.fromkeys(wanted))


def _read_again(connection: Connection, remote_ids: Iterable[str]) -> int:
    """The record itself decides, by the same rules as ever."""
    adapter, mended = adapter_for(connection), 0
    try:
        for remote_id in remote_ids:
            read_record(connection, adapter, remote_id, via="reconcile")
            mended += 1
    except AdapterError:
        # The next comparison finds the rest.
        return mended
    finally:
        adapter.close()
    return mended
