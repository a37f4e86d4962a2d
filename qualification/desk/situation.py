"""How a lead stands with its rep: everything that order and sentences are made from, loaded for many leads at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leads.models import Lead, Touchpoint
from qualification.models import Activity, Answer, Criteria, NurtureEnrolment, Question
from routing.models import SlaClock

APPOINTMENTS = frozenset({Activity.Disposition.CALL_BACK.value, Activity.Disposition.BOOKED.value})


@dataclass(frozen=True)
class Situation:
    """One lead as it stands at `at`. Only what happened since the interest was captured counts as an attempt."""

    lead: Lead
    at: datetime
    clock: SlaClock | None = None
    attempts: int = 0
    connected: bool = False
    last: Activity | None = None
    appointment: Activity | None = None
    touch: Touchpoint | None = None
    nurture: NurtureEnrolment | None = None
    missing: tuple[Question, ...] = field(default=())

    @property
    def is_paused(self) -> bool:
        """Whether somebody has put it aside until later."""
        return self.lead.snoozed_until is not None and self.lead.snoozed_until > self.at

    @property
    def is_untouched(self) -> bool:
        """Whether no person of ours has been in touch since the interest was captured."""
        return self.lead.first_touched_at is None and self.attempts == 0

    @property
    def has_stirred(self) -> bool:
        """Whether the person acted after we last did."""
        return self.last is not None and self.lead.last_touch_at > self.last.at


def situations(leads: Sequence[Lead], at: datetime) -> list[Situation]:
    """Load how these leads stand, in five queries whatever their number; the order is kept."""
    ids = [lead.pk for lead in leads]
    if not ids:
        return []
    clocks = {clock.lead_id: clock for clock in SlaClock.objects.filter(lead__in=ids, stopped_at__isnull=True)}
    activities = _activities(ids)
    touches = {
        touch.lead_id: touch
        for touch in Touchpoint.objects.filter(lead__in=ids).order_by("lead", "-at").distinct("lead")
    }
    nurtures = {
        one.lead_id: one
        for one in NurtureEnrolment.objects.filter(lead__in=ids, ended_at__isnull=False)
        .select_related("reason")
        .order_by("lead", "-ended_at")
        .distinct("lead")
    }
    missing = missing_questions(ids)
    return [
        Situation(
            lead=lead,
            at=at,
            clock=clocks.get(lead.pk),
            touch=touches.get(lead.pk),
            nurture=nurtures.get(lead.pk),
            missing=missing[lead.pk],
            **history(lead, activities[lead.pk]).__dict__,
        )
        for lead in leads
    ]


@dataclass(frozen=True)
class History:
    """What our own activities on one lead come to."""

    attempts: int
    connected: bool
    last: Activity | None
    appointment: Activity | None


def history(lead: Lead, newest_first: Sequence[Activity]) -> History:
    """Read a lead's activities. An appointment is open until somebody has been in touch after it was made."""
    since = [one for one in newest_first if one.at >= lead.captured_at]
    last = newest_first[0] if newest_first else None
    agreed = last if since and last and last.disposition in APPOINTMENTS and last.due_at else None
    answered = (Activity.Disposition.CONNECTED, Activity.Disposition.CALL_BACK, Activity.Disposition.HELD)
    return History(len(since), any(one.disposition in answered for one in since), last, agreed)


def _activities(ids: Iterable[int]) -> defaultdict[int, list[Activity]]:
    """Touches of ours per lead, newest first; notes are none, and what was undone never happened."""
    found: defaultdict[int, list[Activity]] = defaultdict(list)
    touches = Activity.objects.filter(lead__in=ids, undone_at__isnull=True).exclude(kind=Activity.Kind.NOTE)
    for one in touches.defer("body").order_by("-at", "-pk"):
        found[one.lead_id].append(one)
    return found


def missing_questions(ids: Sequence[int]) -> defaultdict[int, tuple[Question, ...]]:
    """What each lead's SQL still lacks: required questions of the framework in force without an answer for us."""
    questions = list(
        Question.objects.filter(
            is_required=True,
            framework__criteria__kind=Criteria.Kind.SQL,
            framework__criteria__status=Criteria.Status.PUBLISHED,
        )
    )
    known: defaultdict[int, set[int]] = defaultdict(set)
    if questions:
        answers = Answer.objects.filter(lead__in=ids, superseded_at__isnull=True, is_met=True)
        for lead, question in answers.values_list("lead", "question"):
            known[lead].add(question)
    open_ones: defaultdict[int, tuple[Question, ...]] = defaultdict(tuple)
    for lead in ids:
        open_ones[lead] = tuple(one for one in questions if one.pk not in known[lead])
    return open_ones
