"""One lead with the rows around it that its page and its preview tell of, in one query."""

from dataclasses import dataclass

from django.db.models import FilteredRelation, Q

from leads.models import Lead
from leads.querysets import LeadQuerySet
from qualification.desk.situation import PACED, running_cadence
from qualification.models import CadenceEnrolment, NurtureEnrolment, Score
from routing.models import Assignment, AttemptClock, SlaClock, WaitingLead


@dataclass(frozen=True)
class CloseUp:
    """The lead with its people; the newest of each of the others, None where there is none."""

    lead: Lead
    clock: SlaClock | None
    assignment: Assignment | None
    wait: WaitingLead | None
    score: Score | None
    nurture: NurtureEnrolment | None
    attempts: AttemptClock | None = None
    pace: CadenceEnrolment | None = None

    @property
    def running(self) -> SlaClock | None:
        """The clock, while nobody has kept or dropped its promise."""
        return self.clock if self.clock and self.clock.stopped_at is None else None


NEWEST = (
    "-clock__started_at",
    "-clock__pk",
    "-tries__pk",
    "-newest_score__at",
    "-newest_score__pk",
    "-slept__ended_at",
)
RELATED = (
    "team",
    "ae",
    "clock__policy",
    "tries",
    "holding__user",
    "holding__assigned_by",
    "holding__certificate__rule",
    "room",
    "newest_score__model",
    "slept__reason",
    *PACED,
)


def close_up(leads: LeadQuerySet, lead_id: int) -> CloseUp | None:
    """Look at one of these leads.

    Clocks, scores and sleeps multiply the rows; sorted by each of them, the first row holds the newest of all.
    """
    lead = (
        leads.with_people()
        .annotate(
            clock=FilteredRelation("sla_clocks"),
            tries=FilteredRelation("attempt_clocks"),
            holding=FilteredRelation("assignments", condition=Q(assignments__ends_at__isnull=True)),
            room=FilteredRelation("waits", condition=Q(waits__left_at__isnull=True)),
            newest_score=FilteredRelation("scores"),
            paced=running_cadence(),
            slept=FilteredRelation("nurtures", condition=Q(nurtures__ended_at__isnull=False)),
        )
        .select_related(*RELATED)
        .order_by(*NEWEST)
        .filter(pk=lead_id)
        .first()
    )
    if lead is None:
        return None
    # Django leaves an attribute away where its relation is empty.
    rows = vars(lead) | lead._state.fields_cache
    names = ("clock", "holding", "room", "newest_score", "slept", "tries", "paced")
    return CloseUp(lead, *(rows.get(name) for name in names))
