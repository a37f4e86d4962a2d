"""The promise to keep trying: so many calls and e-mails within so many days, unless the person is reached before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from leads.events import record_event
from leads.models import Lead
from leads.models.lead import WORKING_STAGES
from routing.calendar import Calendar, windows
from routing.models import AttemptClock, SlaPolicy
from routing.notices import TOO_FEW
from routing.services.concerned import concerned
from routing.services.notify import tell

AT_ONCE = 100
# A week with holidays in it still has so many days of work.
STRETCH = 3


def attempts_due_at(policy: SlaPolicy, started_at: datetime, calendars: Sequence[Calendar]) -> datetime:
    """When the attempts have to be made: after so many days, or, in working time, at the end of work on the last of so
    many further days of work. Who has no hours is taken to work every day."""
    days = policy.attempt_days or 0
    plain = started_at + timedelta(days=days)
    if not policy.in_working_time or not calendars:
        return plain
    zone = ZoneInfo(calendars[0].zone)
    first, ends = started_at.astimezone(zone).date(), dict[object, datetime]()
    for begin, end in windows(calendars, started_at, started_at + timedelta(days=days * STRETCH + 14)):
        day = begin.astimezone(zone).date()
        if day > first:
            ends[day] = end
    return list(ends.values())[days - 1] if len(ends) >= days else plain


def promise_attempts(lead: Lead, policy: SlaPolicy, calendars: Sequence[Calendar]) -> None:
    """Start the lead's promise of attempts, or go on with it under its new owner's hours. Needs the lead's lock."""
    if policy.attempts is None:
        return
    # What was promised to an interest before this one has ended with it.
    stop_attempts(lead, lead.captured_at, but=lead.captured_at)
    due = attempts_due_at(policy, lead.captured_at, calendars)
    clock, is_new = AttemptClock.objects.get_or_create(
        lead=lead,
        started_at=lead.captured_at,
        defaults={"policy": policy, "wanted": policy.attempts, "due_at": due},
    )
    if not is_new and clock.is_running and (clock.due_at, clock.policy_id) != (due, policy.pk):
        clock.due_at, clock.policy, clock.wanted = due, policy, policy.attempts
        clock.save(update_fields=["due_at", "policy", "wanted"])


def stop_attempts(lead: Lead, at: datetime, *, but: datetime | None = None) -> None:
    """End the promise, neither kept nor broken; one that began at ``but`` goes on. Needs the lead's lock."""
    running = AttemptClock.objects.filter(lead=lead, stopped_at__isnull=True)
    (running.exclude(started_at=but) if but else running).update(stopped_at=at)


def note_attempts(lead: Lead, made: int, *, at: datetime, is_reached: bool) -> None:
    """So often was the person tried since the lead came. Needs the lead's lock; safe to repeat, and after an undo."""
    clock = AttemptClock.objects.filter(lead=lead, started_at=lead.captured_at).first()
    if clock is None or clock.breached_at is not None:
        return
    is_met = is_reached or made >= clock.wanted
    clock.made = made
    if is_met and clock.met_at is None and clock.stopped_at is None:
        clock.met_at = clock.stopped_at = at
    elif not is_met and clock.met_at is not None:
        clock.met_at = clock.stopped_at = None
    clock.save(update_fields=["made", "met_at", "stopped_at"])


def attempts_due(at: datetime) -> int:
    """Clock: mark promises of attempts that ran out, once, and tell owner and team lead. Returns how many broke."""
    due = AttemptClock.objects.filter(stopped_at__isnull=True, due_at__lte=at).order_by("due_at")
    return sum(_over(pk, lead_id, at) for pk, lead_id in due.values_list("pk", "lead_id")[:AT_ONCE])


def _over(clock_id: int, lead_id: int, at: datetime) -> bool:
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        clock = AttemptClock.objects.filter(pk=clock_id, stopped_at__isnull=True, due_at__lte=at).first()
        if clock is None:
            return False
        clock.stopped_at = at
        is_broken = lead.stage in WORKING_STAGES
        clock.breached_at = clock.due_at if is_broken else None
        clock.save(update_fields=["stopped_at", "breached_at"])
        if not is_broken:
            # Closed or handed over before: nobody had to be tried any more.
            return False
        said = {"made": clock.made, "wanted": clock.wanted}
        record_event(lead, "sla.too_few", at=clock.due_at, by="clock", data={"clock": clock.pk, **said})
        for person in concerned(lead):
            tell(person, TOO_FEW, f"attempts:{clock.pk}", lead, context=said, at=at)
        return True
