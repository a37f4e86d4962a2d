"""What a lead wants next and when: a pure decision over its situation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from qualification.desk.situation import Situation
from qualification.models import Activity

NOW_WITHIN = timedelta(minutes=15)
SOON_WITHIN = timedelta(hours=1)
# A person who acts is at their desk; after a day the moment is gone.
WARM_FOR = timedelta(days=1)
# After the first, second, … try without an answer; the last one counts for all further tries.
NEXT_TRY_AFTER = (timedelta(days=1), timedelta(days=1), timedelta(days=2), timedelta(days=3), timedelta(days=7))
AFTER_MAIL = timedelta(days=2)
AFTER_TALK = timedelta(days=3)
# Tries without an answer after which recycling is proposed.
ENOUGH_TRIES = 6


class Group(StrEnum):
    """When a lead wants its rep."""

    NOW = "now"
    HOUR = "hour"
    TODAY = "today"
    COMING = "coming"
    PAUSED = "paused"


class Step(StrEnum):
    """What comes next."""

    PAUSED = "paused"
    APPOINTMENT = "appointment"
    FIRST_TOUCH = "first_touch"
    STIRRED = "stirred"
    FOLLOW_UP = "follow_up"
    GIVE_UP = "give_up"
    PACED = "paced"
    SENT_BACK = "sent_back"


@dataclass(frozen=True)
class Plan:
    """The next step, when it is due (None: whenever there is time), and whether that was promised to somebody."""

    step: Step
    due_at: datetime | None
    is_promise: bool
    group: Group


def plan(situation: Situation) -> Plan:
    """Decide what the lead wants next."""
    lead, at = situation.lead, situation.at
    if situation.is_paused:
        return Plan(Step.PAUSED, lead.snoozed_until, False, Group.PAUSED)
    if situation.appointment is not None and situation.appointment.due_at is not None:
        due = situation.appointment.due_at
        return Plan(Step.APPOINTMENT, due, True, group_of(due, at, promise=True))
    if situation.is_sent_back:
        return Plan(Step.SENT_BACK, None, False, Group.HOUR)
    if situation.is_untouched:
        promised = situation.clock.due_at if situation.clock else None
        group = Group.TODAY if promised is None else group_of(promised, at, promise=True)
        return Plan(Step.FIRST_TOUCH, promised, promised is not None, group)
    if situation.has_stirred and at - lead.last_touch_at <= WARM_FOR:
        return Plan(Step.STIRRED, None, False, Group.HOUR)
    if situation.pace is not None:
        # A planned step; or all are done, and the answer is waited for.
        due = situation.pace.due_at
        return Plan(Step.PACED, due, False, group_of(due, at, promise=False))
    return _follow_up(situation)


def _follow_up(situation: Situation) -> Plan:
    last, at = situation.last, situation.at
    if last is None:
        return Plan(Step.FOLLOW_UP, None, False, Group.TODAY)
    if situation.attempts >= ENOUGH_TRIES and not situation.connected:
        return Plan(Step.GIVE_UP, None, False, Group.TODAY)
    due = working_day(last.at + _pause_after(last, situation))
    return Plan(Step.FOLLOW_UP, due, False, group_of(due, at, promise=False))


def _pause_after(last: Activity, situation: Situation) -> timedelta:
    if last.kind == Activity.Kind.EMAIL:
        return AFTER_MAIL
    if last.disposition in (Activity.Disposition.CONNECTED, Activity.Disposition.HELD):
        return AFTER_TALK
    return NEXT_TRY_AFTER[min(situation.attempts, len(NEXT_TRY_AFTER)) - 1]


def working_day(when: datetime) -> datetime:
    """The same time on Monday, where it would be a weekend."""
    return when + timedelta(days=max(0, 7 - timezone.localtime(when).weekday()) if _is_weekend(when) else 0)


def _is_weekend(when: datetime) -> bool:
    return timezone.localtime(when).weekday() >= 5


def group_of(due: datetime, at: datetime, *, promise: bool) -> Group:
    """Where a step with this due time stands in the queue. Only a promise can be urgent; a day is the reader's own."""
    if promise and due <= at + NOW_WITHIN:
        return Group.NOW
    if promise and due <= at + SOON_WITHIN:
        return Group.HOUR
    today = timezone.localtime(at).date()
    return Group.TODAY if timezone.localtime(due).date() <= today else Group.COMING
