"""Comparing both sides record by record: what one has and the other does not, and where they differ. Reports only."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmsync.adapters.base import DEAL, Adapter, Remote, Window
from crmsync.adapters.errors import AdapterError, Gone, Moved
from crmsync.adapters.registry import adapter_for
from crmsync.canonical import canonical_all
from crmsync.fields import OWNERS
from crmsync.models import Connection, Link, OutboxEntry, StageMap
from crmsync.services.claim import DEADLINE, OPEN
from crmsync.services.cursors import BEGINNING, TICK
from crmsync.services.pull import PAGE
from leadmgmt.core.errors import DomainError
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leads.models import Organisation

MOST_SAMPLES = 20


class NoAnswer(DomainError):
    """The CRM could not be read to the end, so nothing can be said."""

    status = 503
    code = "crm_unreachable"


@dataclass
class Report:
    """What was found: class of difference → how often, with samples."""

    connection: str
    remote: int = 0
    links: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    remote_ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, kind: str, **what: Any) -> None:
        """One difference."""
        self.counts[kind] += 1
        if remote := what.get("remote"):
            self.remote_ids[kind].append(str(remote))
        if len(self.samples[kind]) < MOST_SAMPLES:
            self.samples[kind].append(what)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "connection": self.connection,
            "remote": self.remote,
            "links": self.links,
            "differences": dict(self.counts),
            "samples": dict(self.samples),
        }


def reconcile(connection: Connection) -> Report:
    """Read every record of the CRM and compare it with its link. Raises NoAnswer if the CRM cannot be read."""
    report = Report(connection.slug)
    stages = set(StageMap.objects.filter(connection=connection).values_list("remote", flat=True))
    links = {link.external_key: link for link in Link.objects.filter(connection=connection)}
    by_remote = {link.remote_id: link for link in links.values() if link.remote_id}
    report.links = len(links)
    adapter = adapter_for(connection)
    _orphans(report, links)
    try:
        seen = _compare(report, connection, adapter, links, by_remote, stages)
        _missing(report, connection, adapter, links, seen)
    except AdapterError as error:
        raise NoAnswer(
            worded("The CRM did not answer: %(kind)s: %(error)s", kind=type(error).__name__, error=error)
        ) from error
    finally:
        adapter.close()
    return report


def _compare(
    report: Report,
    connection: Connection,
    adapter: Adapter,
    links: dict[str, Link],
    by_remote: dict[str, Link],
    stages: set[str],
) -> set[str]:
    """Every record over there. Returns the ids seen."""
    ours = f"{Organisation.objects.values_list('instance', flat=True).first()}:"
    pending = set(
        OutboxEntry.objects.filter(connection=connection, state__in=OPEN).values_list("opportunity", flat=True)
    )
    seen: set[str] = set()
    keys: Counter[str] = Counter()
    for remote in _everything(adapter):
        if remote.remote_id in seen:
            continue
        seen.add(remote.remote_id)
        report.remote += 1
        key = remote.external_key or ""
        keys[key] += 1
        link = by_remote.get(remote.remote_id) or links.get(key)
        if key.startswith(ours) and keys[key] > 1:
            report.note("duplicate_key", remote=remote.remote_id, key=key)
        elif link is None and key.startswith(ours):
            report.note("missing_local", remote=remote.remote_id, key=key)
        elif link is not None and link.apart_at is None and link.opportunity_id not in pending:
            _differences(report, link, remote, stages)
    return seen


def _orphans(report: Report, links: dict[str, Link]) -> None:
    """Links that lead nowhere any more, as the links themselves say, and that nobody has left so."""
    kinds = {Link.State.REMOTE_DELETED: "deleted", Link.State.MERGED: "merged", Link.State.QUARANTINED: "orphan_link"}
    for link in links.values():
        if link.kept_at is None and (kind := kinds.get(Link.State(link.state))):
            report.note(kind, remote=link.remote_id, opportunity=link.opportunity_id)


def _everything(adapter: Adapter) -> Iterator[Remote]:
    at: datetime = adapter.check(now() + DEADLINE).server_time
    token: str | None = None
    while True:
        page = adapter.changes(DEAL, Window(BEGINNING, at + TICK), token, PAGE, now() + DEADLINE)
        yield from page.items
        token = page.next_token
        if token is None:
            return


def _differences(report: Report, link: Link, remote: Remote, stages: set[str]) -> None:
    values = canonical_all(remote.values)
    if values.get("stage") not in stages:
        report.note("stage_unmapped", remote=remote.remote_id, stage=values.get("stage"))
    fields = sorted(name for name in values if name in OWNERS and values[name] != link.shadow.get(name))
    if fields:
        report.note("field_diff", remote=remote.remote_id, opportunity=link.opportunity_id, fields=fields)


def _missing(report: Report, connection: Connection, adapter: Adapter, links: dict[str, Link], seen: set[str]) -> None:
    """Links whose record was not listed: only a second look says that it is gone."""
    for link in links.values():
        if not link.remote_id or link.remote_id in seen or link.state != Link.State.LINKED:
            continue
        try:
            adapter.get(DEAL, link.remote_id, now() + DEADLINE)
        except Gone:
            report.note("missing_remote", remote=link.remote_id, opportunity=link.opportunity_id)
        except Moved as error:
            report.note("merged", remote=link.remote_id, into=error.new_id, opportunity=link.opportunity_id)
