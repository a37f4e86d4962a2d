"""How a lead stands with its rep: everything that order and sentences are made from, loaded for many leads at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import FilteredRelation, Q

from leadmgmt.core.now import now
from leads.models import Lead, Touchpoint
from qualification.asking import asked_of
from qualification.desk.asked import Asked
from qualification.models import Activity, Answer, CadenceEnrolment, NurtureEnrolment, Question
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
    pace: CadenceEnrolment | None = None
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
    def is_sent_back(self) -> bool:
        """Whether an AE refused its handoff and nothing was done about it since."""
        return self.lead.is_sent_back and (self.last is None or self.last.at < self.lead.stage_at)

    @property
    def has_stirred(self) -> bool:
        """Whether the person acted after we last did."""
        return self.last is not None and self.lead.last_touch_at > self.last.at


def situations(leads: Sequence[Lead], at: datetime, asked: Asked) -> list[Situation]:
    """Load how these leads stand, in four queries whatever their number, and one per segment
    that is asked more; the order is kept.

    The leads come with their running clock (`running_clock`).
    """
    ids = [lead.pk for lead in leads]
    if not ids:
        return []
    activities = activities_of(ids)
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
    known = known_questions(ids) if asked.required else {}
    theirs = asked_of(ids, asked.required, at)
    return [
        Situation(
            lead=lead,
            at=at,
            clock=clock_of(lead),
            touch=touches.get(lead.pk),
            nurture=nurtures.get(lead.pk),
            pace=pace_of(lead),
            missing=tuple(one for one in asked.required if one.pk in theirs[lead.pk] - known.get(lead.pk, set())),
            **history(lead, activities[lead.pk]).__dict__,
        )
        for lead in leads
    ]


def running_clock() -> FilteredRelation:
    """The promise that runs on a lead, for `annotate(running=…).select_related("running")`; there is one at most."""
    return FilteredRelation("sla_clocks", condition=Q(sla_clocks__stopped_at__isnull=True))


def running_cadence() -> FilteredRelation:
    """The cadence that a lead is in, for `annotate(paced=…).select_related(*PACED)`; there is one at most."""
    return FilteredRelation("cadences", condition=Q(cadences__ended_at__isnull=True))


PACED = ("paced__step", "paced__cadence")


def pace_of(lead: Lead) -> CadenceEnrolment | None:
    """The cadence that the lead was loaded with."""
    return getattr(lead, "paced", None)


def clock_of(lead: Lead) -> SlaClock | None:
    """The running clock that the lead was loaded with. Where none runs Django leaves the attribute away."""
    return getattr(lead, "running", None)


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


def activities_of(ids: Iterable[int]) -> defaultdict[int, list[Activity]]:
    """Touches of ours per lead, newest first; notes are none, and what was undone never happened."""
    found: defaultdict[int, list[Activity]] = defaultdict(list)
    touches = Activity.objects.touches().filter(lead__in=ids)
    for one in touches.defer("body").order_by("-at", "-pk"):
        found[one.lead_id].append(one)
    return found


def known_questions(ids: Sequence[int]) -> defaultdict[int, set[int]]:
    """The questions that each lead has an answer to that speaks for it and still holds."""
    known: defaultdict[int, set[int]] = defaultdict(set)
    answers = Answer.objects.filter(lead__in=ids, superseded_at__isnull=True, is_met=True)
    since = now()
    for lead, question, given, days in answers.values_list("lead", "question", "at", "question__valid_days"):
        if days is None or given >= since - timedelta(days=days):
            known[lead].add(question)
    return known
