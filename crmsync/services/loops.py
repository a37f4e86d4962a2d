"""The loop breaker: where two writers answer each other, somebody has to look (CRM_CONTRACT 7)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from crmsync.models import AuditRow, Conflict, Link

WINDOW = timedelta(minutes=10)
MOST_WRITES = 6
# A person who edits a field often is no loop: the other side has to have answered as often.
LEAST_ANSWERS = 3


def stop_loops(link: Link, fields: Iterable[str], at: datetime) -> str:
    """Quarantine a link of which a field is written to and fro. Returns the field, empty for none.

    Call it inside the transaction of the write, with the link locked.
    """
    since = at - WINDOW
    for name in fields:
        rows = AuditRow.objects.filter(link=link, at__gte=since, changes__fields__has_key=name)
        ours = rows.filter(direction="push", verdict="applied").count()
        answers = rows.filter(direction="pull").count()
        answers += Conflict.objects.filter(link=link, field=name, at__gte=since).count()
        if ours + answers > MOST_WRITES and answers >= LEAST_ANSWERS and ours:
            _quarantine(link, name, at)
            return name
    return ""


def _quarantine(link: Link, name: str, at: datetime) -> None:
    link.state = Link.State.QUARANTINED
    link.save(update_fields=["state"])
    writer = (
        AuditRow.objects.filter(link=link, direction="pull").exclude(actor="").values_list("actor", flat=True).first()
    )
    AuditRow.objects.create(
        connection_id=link.connection_id,
        link=link,
        at=at,
        direction="push",
        verdict="held",
        rule="loop",
        changes={"field": name, "writers": ["leadmgmt", writer or f"crm:{link.connection.slug}"]},
        actor="leadmgmt",
    )
