"""Where leads run out: those that nobody works on although somebody should, as of now."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Exists, F, Min, OuterRef, Q, Sum

from crmsync.models import Handoff
from leadmgmt.core.now import now
from leadmgmt.reports.filters import Filters
from leads.models import Lead, Organisation, Stage
from leads.querysets import LeadQuerySet
from qualification.models import Activity, CadenceEnrolment, NurtureEnrolment
from routing.models import SlaClock, WaitingLead

# Without a promise a lead counts as forgotten after a day.
UNPROMISED = timedelta(days=1)
# A lead is stuck when it has stood in its stage for longer than nine of ten that went on, and nothing was done lately.
QUIET = timedelta(days=7)
USUAL_DAYS, SHORTEST_DAYS, LONGEST_DAYS = 14.0, 3.0, 90.0
LEARNED_FROM = timedelta(days=365)
FEWEST = 20
MOST_SHOWN = 5

LIMITS = """
SELECT event.data ->> 'from' AS stage, count(*),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM event.at - began.at) / 86400)
FROM leads_leadevent event
JOIN LATERAL (
    SELECT earlier.at FROM leads_leadevent earlier
    WHERE earlier.lead_id = event.lead_id AND earlier.at < event.at
      AND earlier.kind IN ('stage.' || (event.data ->> 'from'), 'lead.captured')
    ORDER BY earlier.at DESC LIMIT 1
) began ON true
WHERE event.at >= %s AND event.kind IN ('stage.mql', 'stage.sql', 'stage.opportunity')
  AND event.data ->> 'from' IN ('new', 'mql', 'sql')
GROUP BY 1
"""


@dataclass(frozen=True)
class Example:
    """One of the leads, the most valuable first."""

    lead: Lead
    since: datetime | None


@dataclass(frozen=True)
class Leak:
    """One way of running out. ``value``: what the leads would bring by their chances; None where none can be told."""

    kind: str
    count: int
    oldest: datetime | None
    value: Decimal | None
    url: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Leaks:
    """The answer. ``working``: leads that reps still have to qualify."""

    filters: Filters
    working: int
    leaks: tuple[Leak, ...]
    limits: dict[str, float]

    @property
    def total(self) -> int:
        """How many run out somewhere; a lead does so in one way only."""
        return sum(leak.count for leak in self.leaks)

    @property
    def most(self) -> int:
        """The longest bar."""
        return max((leak.count for leak in self.leaks), default=0)


def stage_limits(at: datetime) -> dict[str, float]:
    """After how many days a lead counts as stuck in new, MQL and SQL: nine of ten that went on had gone by then."""
    found = dict.fromkeys((Stage.NEW.value, Stage.MQL.value, Stage.SQL.value), USUAL_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(LIMITS, [at - LEARNED_FROM])
        for stage, count, days in cursor.fetchall():
            if count >= FEWEST:
                found[stage] = min(max(float(days), SHORTEST_DAYS), LONGEST_DAYS)
    return found


def untouched(leads: LeadQuerySet, at: datetime) -> LeadQuerySet:
    """Somebody's, and nobody has been in touch although it was promised, or for a day where nothing was."""
    clocks = SlaClock.objects.filter(lead=OuterRef("pk"), stopped_at=None)
    over = Exists(clocks.filter(due_at__lte=at)) | (~Exists(clocks) & Q(captured_at__lte=at - UNPROMISED))
    return _working(leads).awake(at).filter(over, owner__isnull=False, first_touched_at=None)


def stuck(leads: LeadQuerySet, at: datetime) -> LeadQuerySet:
    """Touched once, standing in its stage for long, with nothing done lately and nothing planned."""
    limits = stage_limits(at)
    long_ago = Q()
    for stage, days in limits.items():
        long_ago |= Q(stage=stage, stage_at__lte=at - timedelta(days=days))
    planned = Activity.objects.filter(lead=OuterRef("pk"), due_at__gt=at, undone_at=None)
    paced = CadenceEnrolment.objects.filter(lead=OuterRef("pk"), ended_at=None)
    quiet = Q(last_activity_at=None) | Q(last_activity_at__lte=at - QUIET)
    found = _working(leads).awake(at).filter(long_ago, quiet, owner__isnull=False, first_touched_at__isnull=False)
    return found.filter(~Exists(planned), ~Exists(paced))


def waiting(leads: LeadQuerySet, at: datetime) -> LeadQuerySet:
    """In the waiting room: no rule fits, or nobody can take them."""
    return _working(leads).filter(Exists(WaitingLead.objects.filter(lead=OuterRef("pk"), left_at=None)))


def unowned(leads: LeadQuerySet, at: datetime) -> LeadQuerySet:
    """Nobody's, and not waiting for anybody either."""
    waits = WaitingLead.objects.filter(lead=OuterRef("pk"), left_at=None)
    # What has just come in is on its way.
    return _working(leads).filter(~Exists(waits), owner=None, captured_at__lte=at - timedelta(hours=1))


def dateless(leads: LeadQuerySet, at: datetime) -> LeadQuerySet:
    """Recycled without a day to wake up on, and in no nurture programme."""
    nursed = NurtureEnrolment.objects.filter(lead=OuterRef("pk"), ended_at=None)
    return leads.filter(~Exists(nursed), stage=Stage.RECYCLED, wake_at=None, is_history=False)


def undecided(leads: LeadQuerySet, at: datetime) -> LeadQuerySet:
    """Handed over, and the AE has let the time to decide pass."""
    late = Handoff.objects.undecided().filter(opportunity__lead=OuterRef("pk"), due_at__lte=at)
    return leads.filter(Exists(late), stage=Stage.OPPORTUNITY)


def _working(leads: LeadQuerySet) -> LeadQuerySet:
    return leads.working().filter(is_history=False)


KINDS: dict[str, Callable[[LeadQuerySet, datetime], LeadQuerySet]] = {
    "untouched": untouched,
    "unowned": unowned,
    "waiting": waiting,
    "stuck": stuck,
    "undecided": undecided,
    "dateless": dateless,
}
# Since when a lead runs out: what its line and its examples show.
SINCE: dict[str, str] = {
    "untouched": "captured_at",
    "unowned": "captured_at",
    "waiting": "captured_at",
    "stuck": "stage_at",
    "undecided": "opportunity_at",
    "dateless": "stage_at",
}


def leaks_of(filters: Filters, kind: str) -> LeadQuerySet:
    """The leads of the report that run out in this way. KeyError for a way that there is none of."""
    return KINDS[kind](filters.leads_at_any_time(), now())


def leaks(filters: Filters) -> Leaks:
    """Answer for these filters; the period does not count, as it is about today."""
    cohort, at = filters.leads_at_any_time(), now()
    worth = Organisation.objects.values_list("expected_deal_value", flat=True).first() or Decimal(0)
    found = [_leak(filters, kind, cohort, at, worth) for kind in KINDS]
    return Leaks(filters, _working(cohort).count(), tuple(found), stage_limits(at))


def _leak(filters: Filters, kind: str, cohort: LeadQuerySet, at: datetime, worth: Decimal) -> Leak:
    leads, since = KINDS[kind](cohort, at), SINCE[kind]
    told = leads.aggregate(count=Count("pk"), oldest=Min(since), chances=Sum("win_probability"))
    best = leads.order_by(F("win_probability").desc(nulls_last=True), since).select_related("contact__company", "owner")
    return Leak(
        kind=kind,
        count=told["count"],
        oldest=told["oldest"],
        value=None if told["chances"] is None else (worth * Decimal(str(told["chances"]))).quantize(Decimal(1)),
        url=_url(filters, kind),
        examples=tuple(Example(lead, getattr(lead, since)) for lead in best[:MOST_SHOWN]) if told["count"] else (),
    )


def _url(filters: Filters, kind: str) -> str:
    return replace(filters, first=None, last=None).leads_url(leak=kind)
