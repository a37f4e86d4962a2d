"""The SLA clock of a lead: started at capture, handed over with the lead, stopped by a touch or an end."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from leads.configuration import Kept
from leads.models import Lead
from leads.services.storing import insert_many
from routing.calendar import Calendar, add_working, working_between
from routing.hours import calendars_by_number
from routing.models import PoolMember, Rep, SlaClock, SlaPolicy
from routing.services.attempts import promise_attempts
from routing.services.causes import cause_of


def due_at(
    policy: SlaPolicy,
    started_at: datetime,
    calendars: Sequence[Calendar],
    *,
    owned_at: datetime | None = None,
    before: Sequence[Calendar] = (),
) -> datetime:
    """When the promise ends.

    In working time the minutes run in the hours of ``calendars``; until ``owned_at`` in those of ``before``, the people
    who could have taken the lead. Who has no hours at all is taken to be there around the clock.
    """
    seconds = policy.first_touch_minutes * 60
    around_the_clock = started_at + timedelta(seconds=seconds)
    if not policy.in_working_time:
        return around_the_clock
    if owned_at is not None and owned_at > started_at and before:
        spent = working_between(before, started_at, owned_at)
        if spent >= seconds:
            return add_working(before, started_at, seconds) or owned_at
        seconds, started_at = int(seconds - spent), owned_at
    return add_working(calendars, started_at, seconds) or started_at + timedelta(seconds=seconds)


def run_clock(
    lead: Lead,
    *,
    policy_id: int | None,
    calendars: Sequence[Calendar],
    at: datetime,
    owned: bool,
    before: Sequence[Calendar] = (),
    is_first: bool = False,
) -> SlaClock | None:
    """Start the lead's clock, or go on with the running one under new hours. Needs the lead's lock.

    ``is_first`` spares the look for a running clock. None where the lead has been touched or nothing is promised.
    """
    if lead.first_touched_at is not None or not lead.is_working or lead.is_history:
        return None
    clock = None if is_first else SlaClock.objects.filter(lead=lead, stopped_at__isnull=True).first()
    if clock is not None and clock.breached_at is not None:
        # A broken promise stays broken, whoever has the lead now.
        SlaClock.objects.filter(pk=clock.pk).update(owned_at=at if owned else clock.owned_at)
        return clock
    policy = _policy(policy_id) or (clock.policy if clock else None)
    if policy is None:
        return None
    clock = clock or SlaClock(lead=lead, started_at=lead.captured_at)
    clock.policy, clock.owned_at = policy, at if owned else None
    clock.due_at = due_at(policy, clock.started_at, calendars, owned_at=clock.owned_at, before=before)
    clock.ack_due_at = _ack_due(policy, at, calendars) if owned else None
    clock.ack_breached_at = None
    if clock.pk:
        clock.save()
    else:
        insert_many([clock])
    promise_attempts(lead, policy, calendars)
    return clock


def _ack_due(policy: SlaPolicy, at: datetime, calendars: Sequence[Calendar]) -> datetime | None:
    """By when who was given the lead now has to have acknowledged it."""
    if policy.acknowledge_minutes is None:
        return None
    seconds = policy.acknowledge_minutes * 60
    around_the_clock = at + timedelta(seconds=seconds)
    return (add_working(calendars, at, seconds) or around_the_clock) if policy.in_working_time else around_the_clock


def stop_clock(
    lead: Lead, *, at: datetime, reason: str, touched: bool = False, begun_by: datetime | None = None
) -> SlaClock | None:
    """End the running promise (if it had begun by ``begun_by``). Needs the lead's lock.

    ``touched`` keeps it, late if the time is over.
    """
    running = SlaClock.objects.filter(lead=lead, stopped_at__isnull=True)
    clock = (running.filter(started_at__lte=begun_by) if begun_by else running).first()
    if clock is None:
        return None
    at = max(at, clock.started_at)
    clock.stopped_at, clock.stop_reason = at, reason
    note_segments(clock, lead, at)
    if touched:
        clock.touched_at = at
    if touched and clock.breached_at is None and at > clock.due_at:
        clock.breached_at, clock.cause = clock.due_at, cause_of(clock, lead)
    clock.save()
    return clock


def _policy(policy_id: int | None) -> SlaPolicy | None:
    """The one named, else the default."""
    policies = _policies()
    if policy_id:
        return next((one for one in policies if one.pk == policy_id), None)
    return next((one for one in policies if one.is_default), None)


_policies = Kept(lambda: list(SlaPolicy.objects.order_by("pk")), "routing_slapolicy")


def note_segments(clock: SlaClock, lead: Lead, at: datetime) -> None:
    """Keep how much of the time that counts was spent without an owner, and how much with one.

    In working time the first runs in the hours of the team, the second in those of the owner.
    """
    owned_at = min(clock.owned_at or at, at)
    if not clock.policy.in_working_time:
        clock.unowned_seconds = max(0, int((owned_at - clock.started_at).total_seconds()))
        clock.owned_seconds = max(0, int((at - owned_at).total_seconds()))
        return
    team, mine = _calendars(lead, at)
    clock.unowned_seconds = int(_working(team, clock.started_at, owned_at))
    clock.owned_seconds = int(_working(mine, owned_at, at))


def _working(calendars: Sequence[Calendar], start: datetime, end: datetime) -> float:
    if not calendars or not any(one.shifts for one in calendars):
        return max(0.0, (end - start).total_seconds())
    return working_between(calendars, start, end) if end > start else 0.0


def _calendars(lead: Lead, at: datetime) -> tuple[list[Calendar], list[Calendar]]:
    """The hours of who could have taken the lead, and of who has it."""
    pool = lead.certificates.values_list("pool", flat=True).first()
    members = PoolMember.objects.filter(pool=pool, left_at__isnull=True).values_list("rep", flat=True) if pool else []
    owner = Rep.objects.filter(user=lead.owner_id).values_list("pk", flat=True).first() if lead.owner_id else None
    hours = calendars_by_number({*members, *([owner] if owner else [])}, at)
    return [hours[rep] for rep in members if rep in hours], [hours[owner]] if owner in hours else []
