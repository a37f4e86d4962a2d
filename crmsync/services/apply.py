"""Applying what a CRM says: three-way per field, the owner decides, nothing is guessed and nothing forced.

One record at a time, all in one transaction under the locks of lead, opportunity and link: a worker that is killed
leaves the inbox rows ready for the next one.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from crmsync.canonical import Canonical, canonical
from crmsync.fields import OWNERS, STAGE_FIELDS, Owner, Verdict, merge
from crmsync.models import AuditRow, Conflict, Connection, InboxEvent, Link, Opportunity, OutboxEntry
from crmsync.outgoing import NotMapped, outgoing
from crmsync.services.changes import apply_plain
from crmsync.services.claim import OPEN
from crmsync.services.look import Look
from crmsync.services.outbox import STAGE, record_change
from crmsync.services.outcome import apply_stage
from leadmgmt.core.backoff import next_try
from leadmgmt.core.now import now
from leads.models import Lead

log = logging.getLogger(__name__)

State = InboxEvent.State
MAX_ATTEMPTS = 8


def apply_record(connection_id: int, remote_id: str) -> int:
    """Apply the stored states of one record, oldest first. Safe to run twice and at once. Returns how many."""
    connection = Connection.objects.get(pk=connection_id)
    ready = InboxEvent.objects.filter(connection=connection, remote_id=remote_id, state=State.READY)
    try:
        with transaction.atomic():
            link = _locked_link(connection, ready)
            events = sorted(ready.select_for_update().order_by("pk"), key=_order)
            for event in events:
                _apply(event, connection, link)
            return len(events)
    except Exception as error:
        # The message stays in the row; the log gets no personal data.
        log.error("inbox of record %s failed: %s", remote_id, type(error).__name__)
        return _after_failure(connection, remote_id, error, now())


def _locked_link(connection: Connection, ready: Any) -> Link | None:
    """The link that these states speak of, with lead, opportunity and link locked in that order."""
    newest = ready.order_by("-pk").first()
    if newest is None:
        return None
    named = Q(remote_id=newest.remote_id)
    if key := newest.body.get("external_key"):
        named |= Q(external_key=key, remote_id=None)
    found = Link.objects.filter(named, connection=connection).select_related("opportunity").first()
    if found is None:
        return None
    Lead.objects.lock().get(pk=found.opportunity.lead_id)
    Opportunity.objects.select_for_update().get(pk=found.opportunity_id)
    return Link.objects.select_for_update().get(pk=found.pk)


def _apply(event: InboxEvent, connection: Connection, link: Link | None) -> None:
    at = now()
    if link is None:
        _finish(event, connection, None, "suppressed", "none of ours", {}, at)
        return
    opportunity = Opportunity.objects.select_related("lead", "owner").get(pk=link.opportunity_id)
    body = event.body
    look = Look(event, connection, link, opportunity, opportunity.lead, _modified(event), _known_fields(body["values"]))
    is_older = link.remote_modified_at is not None and look.modified_at < link.remote_modified_at
    if is_older and not body.get("is_certain"):
        _finish(event, connection, link, "suppressed", "older than what is known", {}, at)
        return
    if not link.remote_id or not link.shadow:
        _adopt(look)
    changed = [name for name in look.theirs if look.theirs[name] != link.shadow.get(name)]
    if changed:
        _merge_fields(look, changed)
    link.remote_version, link.remote_modified_at, link.synced_at = body["version"], look.modified_at, at
    link.save()
    _settle_older(look, at)
    if not changed:
        _finish(event, connection, link, "suppressed", "both sides agree", {}, at)
    elif look.held:
        _hold(look, at)
    else:
        rule = ", ".join(sorted({rule for *_, rule in look.conflicts})) or "owner decides"
        _finish(event, connection, link, "applied", rule, look.pulled, at)


def _known_fields(values: dict[str, Canonical]) -> dict[str, Canonical]:
    return {name: value for name, value in values.items() if name in OWNERS}


def _order(event: InboxEvent) -> tuple[bool, datetime, int]:
    """What a list showed by its stamps; then what was read from the record itself, which is the last word."""
    is_certain = bool(event.body.get("is_certain"))
    return (is_certain, datetime.min.replace(tzinfo=UTC) if is_certain else _modified(event), event.pk)


def _modified(event: InboxEvent) -> datetime:
    return datetime.fromisoformat(event.body["modified_at"])


def _adopt(look: Look) -> None:
    """The record was created before we heard of it. What is ours counts as agreed, what is theirs is compared."""
    link, theirs = look.link, look.theirs
    base = {name: value for name, value in theirs.items() if OWNERS[name] is Owner.OURS}
    names = [name for name in theirs if OWNERS[name] is Owner.THEIRS]
    base |= {name: canonical(value) for name, value in outgoing(look.opportunity, look.connection, names).items()}
    link.shadow, link.remote_id = base, look.event.remote_id
    if link.state == Link.State.PENDING:
        link.state = Link.State.LINKED
    if not look.opportunity.remote_stage and base.get("stage"):
        look.opportunity.remote_stage = str(base["stage"])
        look.opportunity.save(update_fields=["remote_stage"])


def _merge_fields(look: Look, changed: list[str]) -> None:
    """Decide each field, then carry out what is pulled: plain fields first, the stage last."""
    link = look.link
    ours = _ours(look, changed)
    pulled: dict[str, Canonical] = {}
    for name in changed:
        base, mine, theirs = link.shadow.get(name), ours[name], look.theirs[name]
        verdict = merge(_owner(look, name), base, mine, theirs)
        if verdict in (Verdict.PULL, Verdict.TAKE_THEIRS):
            pulled[name] = theirs
        if verdict in (Verdict.TAKE_THEIRS, Verdict.KEEP_OURS, Verdict.DRIFT):
            look.conflicts.append((name, mine, theirs, verdict.value))
    look.pulled = {name: (link.shadow.get(name), value) for name, value in pulled.items()}
    apply_plain(look, {name: value for name, value in pulled.items() if name not in STAGE_FIELDS})
    if any(name in pulled for name in STAGE_FIELDS):
        apply_stage(look)
    agreed = [name for name in changed if not (look.held and name in STAGE_FIELDS)]
    link.shadow = link.shadow | {name: look.theirs[name] for name in agreed}
    for name, mine, theirs, rule in look.conflicts:
        Conflict.objects.create(link=link, field=name, ours=mine, theirs=theirs, rule=rule, at=now())
    if pulled:
        record_change(look.opportunity, pulled, at=look.at, origin=look.connection)


def _ours(look: Look, names: list[str]) -> dict[str, Canonical]:
    """Our side of these fields. Stage fields speak only while a step of ours is still on its way."""
    link, mine = look.link, {}
    withdrawing = _withdrawing(look)
    for name in names:
        if name in STAGE_FIELDS and not withdrawing:
            mine[name] = link.shadow.get(name)
            continue
        try:
            mine[name] = canonical(outgoing(look.opportunity, look.connection, [name])[name])
        except NotMapped:
            mine[name] = link.shadow.get(name)
    return mine


def _owner(look: Look, name: str) -> Owner:
    """A handoff that was refused is ours to withdraw, until the CRM has heard of it."""
    return Owner.OURS if name in STAGE_FIELDS and _withdrawing(look) else OWNERS[name]


def _withdrawing(look: Look) -> bool:
    return OutboxEntry.objects.filter(
        connection=look.connection, opportunity=look.opportunity, op=STAGE, state__in=OPEN
    ).exists()


def _settle_older(look: Look, at: datetime) -> None:
    """Held states of the same record have been overtaken by this one."""
    older = InboxEvent.objects.filter(
        connection=look.connection, remote_id=look.event.remote_id, state=State.WAITING
    ).exclude(pk=look.event.pk)
    older.update(state=State.DONE, done_at=at)


def _hold(look: Look, at: datetime) -> None:
    InboxEvent.objects.filter(pk=look.event.pk).update(state=State.WAITING, error=look.held)
    _audit(look.connection, look.link, "held", look.held, look.pulled, look.by, at)


def _finish(
    event: InboxEvent,
    connection: Connection,
    link: Link | None,
    verdict: str,
    rule: str,
    changes: dict[str, Any],
    at: datetime,
) -> None:
    InboxEvent.objects.filter(pk=event.pk).update(state=State.DONE, done_at=at, error="")
    _audit(connection, link, verdict, rule, changes, event.body.get("modified_by", ""), at)


def _audit(
    connection: Connection,
    link: Link | None,
    verdict: str,
    rule: str,
    changes: dict[str, Any],
    actor: str,
    at: datetime,
) -> None:
    AuditRow.objects.create(
        connection=connection,
        link=link,
        at=at,
        direction="pull",
        verdict=verdict,
        rule=rule[:60],
        changes={"fields": changes},
        actor=actor,
    )


def _after_failure(connection: Connection, remote_id: str, error: Exception, at: datetime) -> int:
    """Keep why, and when to try again; after the last try an admin has to.

    Of several states only the newest matters enough to go on with: the others are given up, so that none of them
    stands in its way, and it is tried alone.
    """
    words = f"{type(error).__name__}: {error}"
    ready = InboxEvent.objects.filter(connection=connection, remote_id=remote_id, state=State.READY).order_by("pk")
    events = list(ready)
    if not events:
        return 0
    *older, newest = events
    if older:
        ready.filter(pk__in=[event.pk for event in older]).update(state=State.DEAD, error=words)
        return apply_record(connection.pk, remote_id)
    attempts = newest.attempts + 1
    ready.filter(pk=newest.pk).update(
        attempts=attempts,
        error=words,
        next_try_at=next_try(attempts, at=at),
        state=State.DEAD if attempts >= MAX_ATTEMPTS else State.READY,
    )
    return 0
