"""Carrying out one claimed outbox entry: verify if need be, plan, call with no transaction open, record.

Whatever happens in between, kill -9 included, the entry's row says what the next worker has to do: a lease that ran
out after the send is verified against the CRM before anything is sent again.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from crmsync.adapters.base import DEAL, Adapter, SetStage, Upsert, Written
from crmsync.adapters.errors import Ambiguous, Unavailable
from crmsync.adapters.wire import calls_made
from crmsync.canonical import canonical, canonical_all
from crmsync.models import AuditRow, Connection, Link, Opportunity, OutboxEntry
from crmsync.services import breaker, parents, unsettled
from crmsync.services.apart import merged_into, set_apart
from crmsync.services.claim import DEADLINE, MAX_ATTEMPTS, Claim, fence, settle
from crmsync.services.failures import NeedsPerson, handle
from crmsync.services.loops import stop_loops
from crmsync.services.opt_outs import tell_opt_outs
from crmsync.services.outbox import ERASE
from crmsync.services.plan import Plan, plan_write
from crmsync.services.take_in import take_in
from crmsync.services.take_over import take_over
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now

log = logging.getLogger(__name__)

State = OutboxEntry.State
CANARY_PAUSE = timedelta(minutes=1)


def send(claim: Claim, connection: Connection, adapter: Adapter) -> None:
    """Carry out one entry and store how it went."""
    at = now()
    if claim.entry.attempts > MAX_ATTEMPTS:
        settle(
            claim, State.DEAD, error_class="WorkerLost", error=worded("Each try ended without an answer."), done_at=at
        )
        return
    try:
        _send(claim, connection, adapter, at)
    except parents.Lapsed:
        return
    except parents.NotYet as error:
        parents.wait(claim, error)
    except Exception as error:
        if not handle(claim, connection, adapter, error, now()):
            # The message stays in the row, which is as protected as the lead; the log gets no personal data.
            log.error("outbox entry %s failed: %s", claim.entry.pk, type(error).__name__)


def _send(claim: Claim, connection: Connection, adapter: Adapter, at: datetime) -> None:
    link = Link.objects.get(connection=connection, opportunity=claim.entry.opportunity_id)
    if link.kept_at is not None:
        settle(claim, State.SUPERSEDED, done_at=at, error_class="Kept", error=worded("A person has said: stays apart."))
        return
    if link.state in Link.APART:
        raise NeedsPerson(worded("The link is %(state)s.", state=link.get_state_display()))
    if link.remote_id and merged_into(link).exists():
        raise NeedsPerson(worded("Another deal of ours was merged into this record: are they one?"))
    if claim.must_verify and not _verify(claim, link, connection, adapter, at):
        return
    if link.remote_id and not link.shadow:
        take_over(link, connection, adapter)
    if link.remote_id:
        _read_first(link, connection, adapter)
        if not link.is_associated and adapter.capabilities().associates:
            parents.tie(claim, link, connection, adapter)
    elif connection.canary_left is not None and not _is_among_the_first(link):
        settle(claim, State.READY, not_before=at + CANARY_PAUSE, attempts=claim.entry.attempts - 1)
        return
    above = {} if link.remote_id else parents.parents_of(claim, connection, adapter)
    if not link.remote_id or "consent" in claim.entry.fields:
        tell_opt_outs(link, connection, adapter)
    plan = plan_write(claim.entry, link, connection, adapter, above)
    if plan is None:
        _record_nothing(claim, link, at)
        return
    if until := unsettled.waits(link, plan, adapter, at):
        again = State.VERIFY if claim.must_verify else State.READY
        settle(claim, again, not_before=until, attempts=claim.entry.attempts - 1)
        return
    if not fence(claim, now()):
        return
    written = _call(plan, link, adapter, now())
    breaker.note_success(connection, breaker.WRITES, calls=max(1, calls_made().total))
    if not link.remote_id and not written.created:
        # An earlier try had created it: what stands there now decides what is left to send.
        _look_again(claim, connection, adapter, written.remote_id)
        return
    # A deal that is still to be tied to its company comes back for it; it is safe by then.
    is_last = bool(link.remote_id) or not adapter.capabilities().associates
    _record(claim, plan, written, State.DONE if is_last else State.READY, now())


def _is_among_the_first(link: Link) -> bool:
    """Whether this deal may be made there while only a few are: each takes one place, once."""
    if link.is_canary:
        return True
    with transaction.atomic():
        places = Connection.objects.filter(pk=link.connection_id, canary_left__gt=0)
        if not places.update(canary_left=F("canary_left") - 1):
            return False
        Link.objects.filter(pk=link.pk).update(is_canary=True)
    return True


def _read_first(link: Link, connection: Connection, adapter: Adapter) -> None:
    """Where a write cannot name the version it expects, look right before it: what somebody changed is merged first."""
    if adapter.capabilities().compare_and_set or not link.remote_id:
        return
    standing = adapter.get(DEAL, link.remote_id, now() + DEADLINE)
    known = all(canonical(value) == link.shadow.get(name) for name, value in standing.values.items())
    if standing.version != link.remote_version or not known:
        take_in(connection, standing, via="reconcile", at=now())
        link.refresh_from_db()


def _call(plan: Plan, link: Link, adapter: Adapter, at: datetime) -> Written:
    try:
        with unsettled.kept(link, plan, adapter, at):
            return _write(plan, adapter, at)
    except Unavailable as error:
        # Within a write, a look that failed leaves open whether the write went through.
        raise Ambiguous(str(error)) from error


def _write(plan: Plan, adapter: Adapter, at: datetime) -> Written:
    if isinstance(plan.command, SetStage):
        return adapter.set_stage(plan.command, at + DEADLINE)
    return adapter.upsert(plan.command, at + DEADLINE)


def _verify(claim: Claim, link: Link, connection: Connection, adapter: Adapter, at: datetime) -> bool:
    """After an uncertain send. True: send (again) now. False: the entry is planned anew, or waits for its time."""
    can = adapter.capabilities()
    settled_at = (claim.entry.sent_at or at) + can.max_in_flight
    if link.remote_id:
        if at < settled_at and not can.compare_and_set:
            if link.unsettled_until and link.unsettled_until >= settled_at:
                # A look comes before each write here: it tells whether there is anything left to send.
                return True
            # A worker was lost; what it sent nobody knows, and another value could be overtaken by it.
            settle(claim, State.VERIFY, not_before=settled_at, attempts=claim.entry.attempts - 1)
            return False
        _look_again(claim, connection, adapter, link.remote_id)
        return False
    # With a key that the CRM keeps unique a late arrival is harmless: sending again meets the same record.
    if can.create_idempotency == "none" and at < settled_at:
        settle(claim, State.VERIFY, not_before=settled_at, attempts=claim.entry.attempts - 1)
        return False
    found = adapter.find_by_key(DEAL, link.external_key, at + DEADLINE)
    if len(found) > 1:
        oldest = min(found, key=lambda one: (one.modified_at, one.remote_id))
        why = worded("%(number)s records in the CRM carry our key; the oldest is kept.", number=len(found))
        Link.objects.filter(pk=link.pk).update(remote_id=oldest.remote_id)
        set_apart(link, Link.State.QUARANTINED, at, why=why)
        raise NeedsPerson(why)
    if found:
        take_in(connection, found[0], via="reconcile", at=now())
        _plan_anew(claim)
        return False
    return True


def _look_again(claim: Claim, connection: Connection, adapter: Adapter, remote_id: str) -> None:
    """Read the record, merge it, and let the entry be planned against what it really holds."""
    take_in(connection, adapter.get(DEAL, remote_id, now() + DEADLINE), via="reconcile", at=now())
    _plan_anew(claim)


def _plan_anew(claim: Claim) -> None:
    """The look was answered: it is no failed try, or each uncertain write would cost two of them."""
    settle(claim, State.READY, not_before=now(), sent_at=None, attempts=claim.entry.attempts - 1)


def _record(claim: Claim, plan: Plan, written: Written, state: str, at: datetime) -> None:
    """Store what the CRM confirmed: how the entry stands, the link with the values read back of what was written."""
    entry = claim.entry
    with transaction.atomic():
        opportunity = Opportunity.objects.select_for_update().get(pk=entry.opportunity_id)
        link = Link.objects.select_for_update().get(connection=entry.connection_id, opportunity=opportunity)
        # What comes back for its tie has succeeded so far: its tries begin anew.
        how = {"done_at": at} if state == State.DONE else {"sent_at": None, "attempts": 0}
        if not settle(claim, state, error="", error_class="", **how):
            return
        after = canonical_all({name: written.after.get(name) for name in plan.values})
        link.remote_id = link.remote_id or written.remote_id
        link.shadow = link.shadow | after
        link.remote_version = written.version
        link.remote_modified_at = written.modified_at or link.remote_modified_at
        if link.state == Link.State.PENDING:
            link.state = Link.State.LINKED
        link.synced_at = at
        link.has_key = link.has_key or (isinstance(plan.command, Upsert) and plan.command.with_key)
        link.save()
        if after.get("stage"):
            opportunity.remote_stage = str(after["stage"])
            opportunity.save(update_fields=["remote_stage"])
        _audit(entry, link, "applied", _rule(plan, written), plan, at)
        stop_loops(link, plan.changes, at)


def _rule(plan: Plan, written: Written) -> str:
    kept = all(canonical(written.after.get(name)) == canonical(value) for name, value in plan.values.items())
    if not kept:
        return "normalised by the CRM"
    return "created" if written.created else "sent"


def _record_nothing(claim: Claim, link: Link, at: datetime) -> None:
    """The CRM has it all already."""
    with transaction.atomic():
        if claim.must_verify:
            unsettled.arrived(link)
        if settle(claim, State.DONE, done_at=at, error="", error_class=""):
            _audit(claim.entry, link, "suppressed", "no difference", None, at)


def _kept(entry: OutboxEntry, plan: Plan) -> dict[str, tuple[Any, Any]]:
    """What the audit keeps of the values; of erased ones only that they were written over."""
    return dict.fromkeys(plan.changes, (None, None)) if entry.op == ERASE else dict(plan.changes)


def _audit(entry: OutboxEntry, link: Link, verdict: str, rule: str, plan: Plan | None, at: datetime) -> None:
    AuditRow.objects.create(
        connection_id=entry.connection_id,
        link=link,
        at=at,
        direction="push",
        verdict=verdict,
        rule=rule,
        changes={"entry": entry.pk, "fields": _kept(entry, plan) if plan else {}},
        actor="leadmgmt",
    )
