"""The loop breaker: where two writers answer each other, somebody has to look (CRM_CONTRACT 7)."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from crmsync.models import AuditRow, Conflict, Link
from crmsync.services.apart import set_apart
from leadmgmt.core.kept_words import worded

WINDOW = timedelta(minutes=10)
MOST_WRITES = 6
# A person who edits a field often is no loop: the other side has to have answered as often.
LEAST_ANSWERS = 3


def stop_loops(link: Link, fields: Iterable[str], at: datetime) -> str:
    """Quarantine a link of which a field is written to and fro. Returns the field, empty for none.

    Call it inside the transaction of the write, with the link locked.
    """
    since = at - WINDOW
    ours: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    rows = AuditRow.objects.filter(link=link, at__gte=since).values_list("direction", "verdict", "changes")
    for direction, verdict, changes in rows:
        if direction == "pull":
            answers.update(list(changes.get("fields", ())))
        elif verdict == "applied":
            ours.update(list(changes.get("fields", ())))
    answers.update(Conflict.objects.filter(link=link, at__gte=since).values_list("field", flat=True))
    for name in fields:
        if ours[name] + answers[name] > MOST_WRITES and answers[name] >= LEAST_ANSWERS:
            _quarantine(link, name, at)
            return name
    return ""


def _quarantine(link: Link, name: str, at: datetime) -> None:
    pulled = AuditRow.objects.filter(link=link, direction="pull").exclude(actor="")
    writer = pulled.exclude(actor="leadmgmt").values_list("actor", flat=True).first()
    other = writer or f"crm:{link.connection.slug}"
    why = worded("Leadmgmt and %(other)s write %(field)s to and fro.", other=other, field=name)
    set_apart(link, Link.State.QUARANTINED, at, why=why)
    AuditRow.objects.create(
        connection_id=link.connection_id,
        link=link,
        at=at,
        direction="push",
        verdict="held",
        rule="loop",
        changes={"field": name, "writers": ["leadmgmt", other]},
        actor="leadmgmt",
    )
