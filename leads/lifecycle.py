"""The only place that moves a stage: lock, re-check, transition, stamp, record.

The table of DESIGN.md section 5, one function per target. Each is safe to call twice: a lead that already stands
where it should is returned as it is, and a move that the lifecycle forbids raises StageConflict.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads.events import record_event, record_history
from leads.models import Lead, LeadEvent, Reason, Stage, User
from leads.services.storing import update_many, update_one


class StageConflict(DomainError):
    """The lifecycle does not allow this move from where the lead stands now."""

    code = "stage_conflict"


# A lead by its number, or the lead itself where the caller holds its lock and has read it since.
Which = Lead | int
MOVED_FIELDS = ("stage", "stage_at", "mql_at", "sql_at", "opportunity_at", "won_at", "reason", "reason_note", "wake_at")


@dataclass(frozen=True)
class Cause:
    """Who or what moves a lead, when, and why. ``quiet``: history, sets nothing off."""

    actor: User | None = None
    by: str = ""
    at: datetime = field(default_factory=now)
    data: dict[str, Any] = field(default_factory=dict)
    quiet: bool = False


def _move(who: Which, target: str, cause: Cause, *, way: str = "to", **fields: Any) -> Lead:
    if isinstance(who, Lead):
        return _move_locked(who, target, cause, way, fields)
    with transaction.atomic():
        return _move_locked(Lead.objects.lock().get(pk=who), target, cause, way, fields)


def _move_locked(lead: Lead, target: str, cause: Cause, way: str, fields: dict[str, Any]) -> Lead:
    if lead.stage == target:
        return lead
    before = lead.stage
    try:
        getattr(lead, f"_{way}_{target}")()
    except TransitionNotAllowed:
        raise StageConflict(
            _("This lead is %(now)s; it cannot become %(target)s from there.")
            % {"now": Stage(before).label, "target": Stage(target).label}
        ) from None
    lead.stage_at = cause.at
    lead.stamp(target, cause.at)
    if target not in (Stage.RECYCLED, Stage.DISQUALIFIED):
        lead.clear_outcome()
    for name, value in fields.items():
        setattr(lead, name, value)
    update_one(lead, (*MOVED_FIELDS, *(name for name in fields if name not in MOVED_FIELDS)))
    record_event(
        lead,
        f"stage.{target}",
        at=cause.at,
        actor=cause.actor,
        by=cause.by,
        data={"from": before, **cause.data},
        quiet=cause.quiet,
    )
    return lead


def to_mql(who: Which, cause: Cause) -> Lead:
    """MQL criteria met, or a person says so with a reason in ``cause.data``."""
    return _move(who, Stage.MQL, cause)


def to_sql(who: Which, cause: Cause) -> Lead:
    """SQL criteria met by the assessment."""
    return _move(who, Stage.SQL, cause)


def to_opportunity(who: Which, cause: Cause) -> Lead:
    """The conversion."""
    return _move(who, Stage.OPPORTUNITY, cause)


def opportunity_again(who: Which, cause: Cause) -> Lead:
    """The CRM opened the deal again: after it was won or lost, or after its handoff was refused."""
    return _move(who, Stage.OPPORTUNITY, cause, way="again_to")


def send_back(who: Which, cause: Cause, *, reason: Reason, note: str = "") -> Lead:
    """The AE refused the handoff: an MQL again in its SDR's queue; ``reason``, of kind `refuse`, says what to mend."""
    data = {**cause.data, "reason": reason.code, "note": note, "sent_back": True}
    why = Cause(cause.actor, cause.by, cause.at, data, cause.quiet)
    return _move(who, Stage.MQL, why, way="back_to", reason=reason, reason_note=note, snoozed_until=None)


def to_won(lead_id: int, cause: Cause) -> Lead:
    """The CRM says so."""
    return _move(lead_id, Stage.WON, cause, snoozed_until=None)


def to_disqualified(who: Which, cause: Cause, *, reason: Reason, note: str = "") -> Lead:
    """A person or a rule decides that this is nothing for us; ``reason`` is of kind `disqualify`."""
    data = {**cause.data, "reason": reason.code, "note": note}
    return _move(
        who,
        Stage.DISQUALIFIED,
        Cause(cause.actor, cause.by, cause.at, data, cause.quiet),
        reason=reason,
        reason_note=note,
        wake_at=None,
        snoozed_until=None,
    )


def to_recycled(
    lead_id: int, cause: Cause, *, reason: Reason, wake_at: datetime | None, note: str = "", only_from: str = ""
) -> Lead:
    """Not now: sleeps until ``wake_at`` (None: until the person stirs) and goes into nurture.

    ``only_from`` guards against a race: raises StageConflict if the lead has moved on meanwhile.
    """
    data = {**cause.data, "reason": reason.code, "note": note, "wake_at": wake_at.isoformat() if wake_at else None}
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if only_from and lead.stage != only_from:
            raise StageConflict(_("This lead is %(now)s by now.") % {"now": Stage(lead.stage).label})
        return _move(
            lead,
            Stage.RECYCLED,
            Cause(cause.actor, cause.by, cause.at, data, cause.quiet),
            reason=reason,
            reason_note=note,
            wake_at=wake_at,
            snoozed_until=None,
        )


def reopen(lead_id: int, cause: Cause) -> Lead:
    """A recycled or disqualified lead stirs again: back to new; the pipeline scores and routes it afresh.

    The caller makes sure that the contact has no other open lead (the database refuses a second one).
    """
    return _move(
        lead_id,
        Stage.NEW,
        cause,
        captured_at=cause.at,
        first_touched_at=None,
        routed_at=None,
        notified_at=None,
        snoozed_until=None,
    )


@dataclass(frozen=True)
class PastMove:
    """One stage that a lead of the past reached, when, and what else is known of it."""

    stage: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)


def move_in_the_past(
    lead: Lead, moves: Sequence[PastMove], *, by: str, reason: Reason | None = None
) -> list[LeadEvent]:
    """Walk a lead brought in as history through the stages it reached, in memory; returns the events.

    ``reason`` says why, where it ends recycled or disqualified. `save_past` writes many such leads at once. Raises
    StageConflict for a way that the lifecycle does not know.
    """
    events = []
    for move in moves:
        before = lead.stage
        try:
            getattr(lead, f"_to_{move.stage}")()
        except TransitionNotAllowed:
            raise StageConflict(
                _("This lead is %(now)s; it cannot become %(target)s from there.")
                % {"now": Stage(before).label, "target": Stage(move.stage).label}
            ) from None
        lead.stage_at = move.at
        lead.stamp(move.stage, move.at)
        lead.clear_outcome()
        if move.stage in (Stage.RECYCLED, Stage.DISQUALIFIED):
            lead.reason = reason
        data = {"from": before, **({"reason": reason.code} if lead.reason and reason else {}), **move.data}
        events.append(
            LeadEvent(lead=lead, kind=f"stage.{move.stage}", at=move.at, recorded_at=now(), actor_label=by, data=data)
        )
    return events


def save_past(leads: Sequence[Lead], events: Sequence[LeadEvent]) -> None:
    """Write what `move_in_the_past` did to leads that the caller has locked, all at once."""
    update_many(leads, MOVED_FIELDS)
    record_history(events)
