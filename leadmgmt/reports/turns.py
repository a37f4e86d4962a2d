"""Does a rep take leads in the order in which they are promised, and if not, the better ones first?

At each first touch the leads are looked at that waited for the same rep at that moment: one whose promise ran out
earlier was passed over. How much better the chosen one was scored than those passed over, from -1 (always worse) to 1
(always better), averaged over the touches out of turn, is the cherry-picking index: who passes leads over for another
reason than their score is near 0.
"""

from dataclasses import dataclass
from math import sqrt

from django.db.models import BigIntegerField
from django.db.models.expressions import RawSQL

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leadmgmt.reports.statistics import Interval
from leads.querysets import LeadQuerySet

# Who has waited longer has waited for another reason.
LOOKED_BACK = "14 days"
# Fewer touches out of turn say nothing.
LEAST = 12
Z95 = 1.959964

# `mine` says which promises are looked at.
TURNS = f"""
first AS (
    SELECT DISTINCT ON (clock.lead_id) clock.lead_id, receiver.user_id, clock.started_at, clock.due_at,
           clock.touched_at,
           least(clock.touched_at, clock.stopped_at, clock.started_at + interval '{LOOKED_BACK}') AS left_at
    FROM routing_slaclock clock
    CROSS JOIN LATERAL (
        SELECT user_id FROM routing_assignment WHERE routing_assignment.lead_id = clock.lead_id
        ORDER BY starts_at, id LIMIT 1
    ) AS receiver
    WHERE /* mine */
    ORDER BY clock.lead_id, clock.started_at, clock.id
),
valued AS (
    SELECT first.*, worth.points FROM first LEFT JOIN LATERAL (
        SELECT fit + engagement AS points FROM qualification_score WHERE qualification_score.lead_id = first.lead_id
        ORDER BY at, id LIMIT 1
    ) AS worth ON true
),
waiting AS (
    -- Day by day, so that both sides meet by rep and day.
    SELECT valued.*, day::date AS day
    FROM valued CROSS JOIN LATERAL generate_series(date_trunc('day', started_at), left_at, '1 day') AS day
),
turn AS (
    SELECT picked.user_id, picked.lead_id, count(other.lead_id) AS passed,
           coalesce(avg(sign(picked.points - other.points)), 0)::float8 AS better
    FROM valued AS picked LEFT JOIN waiting AS other
      ON other.user_id = picked.user_id AND other.day = picked.touched_at::date AND other.lead_id <> picked.lead_id
     AND other.started_at <= picked.touched_at AND other.left_at > picked.touched_at AND other.due_at < picked.due_at
    WHERE picked.touched_at IS NOT NULL
    GROUP BY picked.user_id, picked.lead_id
)
"""  # noqa: S608  # words of our own

MINE = "/* mine */"
# Of all leads that wait, those that may have waited beside one of the cohort's.
BY_REP = f"""
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
span AS (
    SELECT min(clock.started_at) - interval '{LOOKED_BACK}' AS low, max(clock.touched_at) AS high
    FROM routing_slaclock clock JOIN cohort USING (lead_id)
),
{TURNS.replace(MINE, "clock.started_at BETWEEN (SELECT low FROM span) AND (SELECT high FROM span)")}
SELECT user_id, count(*), count(*) FILTER (WHERE passed > 0), avg(better) FILTER (WHERE passed > 0),
       stddev_samp(better) FILTER (WHERE passed > 0)
FROM turn JOIN cohort USING (lead_id) GROUP BY user_id
"""  # noqa: S608  # words of our own
OF_REP = f"""
WITH {TURNS.replace(MINE, "receiver.user_id = %s")} SELECT lead_id FROM turn WHERE passed > 0
"""  # noqa: S608  # words of our own


@dataclass(frozen=True)
class Turns:
    """The first touches of one rep."""

    user_id: int
    touches: int
    out_of_turn: int
    better: float | None
    spread: float | None

    @property
    def share(self) -> float | None:
        """The share of touches for which an earlier promise was passed over."""
        return self.out_of_turn / self.touches if self.touches else None

    @property
    def index(self) -> float | None:
        """The cherry-picking index; None where there is too little to say."""
        return self.better if self.out_of_turn >= LEAST else None

    @property
    def interval(self) -> Interval | None:
        """95 % interval of the index, by the normal approximation of a mean."""
        if self.index is None:
            return None
        margin = Z95 * (self.spread or 0) / sqrt(self.out_of_turn)
        return Interval(max(-1.0, self.index - margin), min(1.0, self.index + margin))

    @property
    def picks(self) -> bool:
        """Whether better ones are taken first beyond what may be chance."""
        return self.interval is not None and self.interval.low > 0


def turns(filters: Filters) -> dict[int, Turns]:
    """The answer for every rep who was in touch with a lead of these first."""
    return {one.user_id: one for one in rows(Turns, BY_REP, filters.leads())}


def out_of_turn(leads: LeadQuerySet, user_id: int) -> LeadQuerySet:
    """Those with which this rep was in touch while an earlier promise waited."""
    picked = RawSQL(OF_REP, [user_id], output_field=BigIntegerField())  # noqa: S611  # words of our own
    return leads.filter(pk__in=picked)
