"""The three clocks of a lead: until somebody has it, until that person knows, until a person is in touch.

A lead for which a clock still runs has been waiting for so long at least: it is censored, not dropped, and the shares
are the Kaplan-Meier estimate (Kaplan and Meier 1958, Nonparametric estimation from incomplete observations). One that
was closed before is one for which it never ends.
"""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from leadmgmt.core.now import now
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leads.querysets import LeadQuerySet
from routing.models import Assignment, SlaClock

OWNER, KNOWN, TOUCHED = "owner", "acknowledged", "touched"
CLOCKS = (OWNER, KNOWN, TOUCHED)
DONE, RUNNING, NEVER = "done", "running", "never"
STATES = (DONE, RUNNING, NEVER)
# Seconds at which the shares are read: a minute, five, a quarter of an hour, an hour, four, a day, a week.
TICKS = (60, 300, 900, 3_600, 14_400, 86_400, 604_800)
CLOSED = ("recycled", "disqualified", "won")
# Of all leads, in touch with a person at some time: what a layer for leads is there for.
CONTACTED_GOAL = 0.95

THREE = f"""
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
moments AS (
    SELECT lead.first_seen_at AS seen, lead.stage = ANY(%s) AS closed, given.at AS given, given.known,
           least(lead.first_touched_at, touch.at) AS touched, %s::timestamptz AS at
    FROM cohort JOIN leads_lead lead ON lead.id = cohort.lead_id
    CROSS JOIN LATERAL (SELECT min(starts_at) AS at, min(accepted_at) AS known FROM routing_assignment
                        WHERE routing_assignment.lead_id = lead.id) AS given
    CROSS JOIN LATERAL (SELECT min(touched_at) AS at FROM routing_slaclock
                        WHERE routing_slaclock.lead_id = lead.id) AS touch
    WHERE NOT lead.is_history
),
ends AS (
    SELECT '{OWNER}' AS clock, given IS NOT NULL AS done, closed,
           extract(epoch FROM coalesce(given, at) - seen) AS took FROM moments
    UNION ALL
    SELECT '{KNOWN}', known IS NOT NULL, closed, extract(epoch FROM coalesce(known, at) - given)
    FROM moments WHERE given IS NOT NULL
    UNION ALL
    SELECT '{TOUCHED}', touched IS NOT NULL, closed, extract(epoch FROM coalesce(touched, at) - seen) FROM moments
),
counted AS (
    -- Whoever was closed without it stays at risk for ever.
    SELECT clock,
           CASE WHEN closed AND NOT done THEN 'infinity'::float8 ELSE ceil(greatest(took, 0))::float8 END AS took,
           count(*) FILTER (WHERE done) AS done, count(*) AS leads, count(*) FILTER (WHERE closed AND NOT done) AS never
    FROM ends GROUP BY 1, 2
),
risk AS (
    SELECT *, sum(leads) OVER (PARTITION BY clock ORDER BY took DESC) AS at_risk FROM counted
),
curve AS (
    SELECT *, exp(sum(ln(greatest(1 - done / at_risk::float8, 1e-300)))
                  OVER (PARTITION BY clock ORDER BY took)) AS left_over
    FROM risk
)
SELECT clock, sum(leads)::int, sum(done)::int, sum(never)::int,
       min(took) FILTER (WHERE left_over <= 0.5), min(took) FILTER (WHERE left_over <= 0.1),
       min(took) FILTER (WHERE left_over <= 0.01),
       ARRAY[{", ".join(f"1 - coalesce(min(left_over) FILTER (WHERE took <= {tick}), 1)" for tick in TICKS)}]
FROM curve GROUP BY clock
"""  # noqa: S608  # words and numbers of our own


@dataclass(frozen=True)
class Clock:
    """One of the three. Percentiles in seconds, None where so many have not got there; shares at each tick."""

    clock: str
    leads: int
    done: int
    never: int
    p50: float | None
    p90: float | None
    p99: float | None
    shares: list[float]

    @property
    def running(self) -> int:
        """For how many it still runs."""
        return self.leads - self.done - self.never

    @property
    def share(self) -> float | None:
        """The share of all for which it has ended, whenever."""
        return self.done / self.leads if self.leads else None

    @property
    def within_five(self) -> float:
        """The share within five minutes."""
        return self.shares[TICKS.index(300)]


def clocks(filters: Filters) -> list[Clock]:
    """The three, in their order; without those that no lead has begun."""
    found = {one.clock: one for one in rows(Clock, THREE, filters.leads(), [list(CLOSED), now()])}
    return [found[name] for name in CLOCKS if name in found]


def clock_q(clock: str, state: str) -> Q:
    """Leads for which this clock has ended, still runs, or never will end."""
    given = Assignment.objects.filter(lead=OuterRef("pk"))
    ended = {
        OWNER: Q(Exists(given)),
        KNOWN: Q(Exists(given.filter(accepted_at__isnull=False))),
        TOUCHED: Q(first_touched_at__isnull=False)
        | Q(Exists(SlaClock.objects.filter(lead=OuterRef("pk"), touched_at__isnull=False))),
    }[clock]
    begun = Q(Exists(given)) if clock == KNOWN else Q()
    closed = Q(stage__in=CLOSED)
    return Q(is_history=False) & begun & {DONE: ended, RUNNING: ~ended & ~closed, NEVER: ~ended & closed}[state]


def leads_by_clock(leads: LeadQuerySet, value: str) -> LeadQuerySet | None:
    """Leads of a clock and a state, as in `touched-running`; None for what is neither."""
    clock, _dash, state = value.partition("-")
    return leads.filter(clock_q(clock, state)) if clock in CLOCKS and state in STATES else None
