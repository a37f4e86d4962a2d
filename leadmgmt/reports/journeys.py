"""Journeys: the touches of all people of a company on the way to a deal that ended, and what each touch is worth.

A journey holds the touches of everybody at the deal's company (of the person alone where no company is known) before
the deal closed, not older than LOOKBACK_DAYS and later than the end of the company's deal before. Opening a mail is no
touch, as programs do that. A deal without any touch has one of unknown origin, so that the credits of a model always
sum to the revenue.

All of it is SQL over the deals of a cohort; what comes back is one row per deal and channel, or per deal.
"""

from dataclasses import dataclass
from datetime import datetime

from leadmgmt.reports.query import rows
from leads.querysets import LeadQuerySet

LOOKBACK_DAYS = 365
HALF_LIFE_DAYS = 21
# The channel of touches that name none.
UNKNOWN = 0
LEVELS = ("source", "campaign")
RULES = ("first", "last", "linear", "u", "w", "decay")

# A handoff that its AE refused was never a deal that a customer turned down, nor was one that was another's twin.
DEALS = """
WITH cohort AS (/* cohort */),
deals AS (
    SELECT deal.id, deal.stage = 'won' AS won,
           CASE WHEN deal.stage = 'won' THEN round(coalesce(deal.amount, 0) * 100)::bigint ELSE 0 END AS cents,
           deal.closed_at, deal.created_at, lead.id AS lead_id, contact.id AS contact_id, contact.company_id,
           (SELECT max(other.closed_at) FROM crmsync_opportunity other
            JOIN leads_lead other_lead ON other_lead.id = other.lead_id
            JOIN leads_contact whose ON whose.id = other_lead.contact_id
            WHERE other.id <> deal.id AND other.closed_at < deal.created_at
              AND (whose.id = contact.id OR whose.company_id = contact.company_id)) AS begun_after
    FROM crmsync_opportunity deal
    JOIN cohort ON cohort.id = deal.lead_id
    JOIN leads_lead lead ON lead.id = deal.lead_id
    JOIN leads_contact contact ON contact.id = lead.contact_id
    LEFT JOIN leads_reason reason ON reason.id = deal.loss_reason_id
    WHERE deal.stage IN ('won', 'lost') AND deal.closed_at >= %s AND deal.closed_at < %s
      AND (deal.stage = 'won' OR coalesce(reason.code, '') NOT IN ('handoff-refused', 'one-deal'))
),
people AS (
    SELECT deals.id AS deal_id, contact.id AS contact_id
    FROM deals JOIN leads_contact contact ON contact.company_id = deals.company_id
    UNION SELECT id, contact_id FROM deals
),
known AS (
    SELECT deals.id AS deal_id, deals.won, deals.cents, touch.id AS touch_id, touch.at,
           coalesce(touch.{level}_id, 0) AS channel, touch.lead_id = deals.lead_id AS is_own,
           touch.at <= deals.created_at AS is_before,
           extract(epoch FROM deals.closed_at - touch.at)::float8 / 86400 AS days
    FROM people
    JOIN deals ON deals.id = people.deal_id
    JOIN leads_touchpoint touch ON touch.contact_id = people.contact_id
    WHERE touch.at <= deals.closed_at AND touch.at > coalesce(deals.begun_after, '-infinity')
      AND touch.at >= deals.closed_at - %s * interval '1 day' AND touch.kind <> 'email_open'
),
touches AS (
    SELECT * FROM known
    UNION ALL
    SELECT id, won, cents, 0, created_at, 0, true, true, 0 FROM deals
    WHERE NOT EXISTS (SELECT FROM known WHERE known.deal_id = deals.id)
)
"""

# Credits in whole cents: the parts rounded down, what is left over goes to the largest fractions.
CREDITS = "".join(
    (
        DEALS,
        """,
placed AS (
    SELECT *, row_number() OVER journey AS place, count(*) OVER whole AS touches
    FROM touches
    WINDOW journey AS (PARTITION BY deal_id ORDER BY at, touch_id), whole AS (PARTITION BY deal_id)
),
marked AS (
    SELECT *, min(place) FILTER (WHERE is_own) OVER whole AS own_place,
           max(place) FILTER (WHERE is_before) OVER whole AS deal_place
    FROM placed WINDOW whole AS (PARTITION BY deal_id)
),
counted AS (
    SELECT *,
           touches - 1 - (own_place <> 1 AND own_place IS NOT NULL)::int AS beside_u,
           touches - 1 - (own_place <> 1 AND own_place IS NOT NULL)::int
               - (deal_place IS NOT NULL AND deal_place <> 1 AND deal_place IS DISTINCT FROM own_place)::int AS beside_w
    FROM marked
),
weighed AS (
    SELECT deal_id, cents, channel, model, weight
    FROM counted CROSS JOIN LATERAL (VALUES
        ('first', (place = 1)::int::float8),
        ('last', (place = touches)::int::float8),
        ('linear', 1::float8),
        ('u', CASE WHEN place = 1 OR place = own_place
                   THEN 40 * (place = 1)::int + 40 * coalesce(place = own_place, false)::int
                   ELSE 20::float8 / beside_u END),
        ('w', CASE WHEN place = 1 OR place = own_place OR place = deal_place
                   THEN 30 * (place = 1)::int + 30 * coalesce(place = own_place, false)::int
                        + 30 * coalesce(place = deal_place, false)::int
                   ELSE 10::float8 / beside_w END),
        ('decay', power(0.5::float8, days / %s))
    ) AS worth (model, weight)
    WHERE won
),
parts AS (
    SELECT model, deal_id, cents, channel, sum(weight) / sum(sum(weight)) OVER (PARTITION BY model, deal_id) AS share
    FROM weighed GROUP BY model, deal_id, cents, channel HAVING sum(weight) > 0
),
floors AS (
    SELECT *, floor(cents * share)::bigint AS base, cents * share - floor(cents * share) AS rest FROM parts
),
left_over AS (
    SELECT *, cents - sum(base) OVER (PARTITION BY model, deal_id) AS missing,
           row_number() OVER (PARTITION BY model, deal_id ORDER BY rest DESC, channel) AS turn
    FROM floors
)
SELECT model, deal_id, channel, (base + (turn <= missing)::int)::bigint, share FROM left_over
ORDER BY deal_id, model, channel
""",
    )
)

PATHS = "".join(
    (
        DEALS,
        """
SELECT deal_id, won, cents, array_agg(channel ORDER BY at, touch_id) FROM touches GROUP BY deal_id, won, cents
ORDER BY deal_id
""",
    )
)

TOUCHED = "".join(
    (
        DEALS,
        """
SELECT DISTINCT deals.lead_id FROM deals JOIN touches ON touches.deal_id = deals.id
WHERE deals.won AND (%s::bigint IS NULL OR touches.channel = %s)
""",
    )
)


@dataclass(frozen=True)
class Credit:
    """What one rule gives one channel of one won deal. ``share`` is the exact part, ``cents`` the whole ones."""

    model: str
    deal: int
    channel: int
    cents: int
    share: float


@dataclass(frozen=True)
class Path:
    """One deal that ended, with its channels in the order of their touches."""

    deal: int
    won: bool
    cents: int
    channels: list[int]


@dataclass(frozen=True)
class _Found:
    lead: int


def credits_of(leads: LeadQuerySet, start: datetime, end: datetime, level: str) -> list[Credit]:
    """What each rule of RULES gives each channel, deal by deal; the cents of a deal sum to its amount."""
    return rows(Credit, _at(CREDITS, level), leads, [start, end, LOOKBACK_DAYS, HALF_LIFE_DAYS])


def paths_of(leads: LeadQuerySet, start: datetime, end: datetime, level: str) -> list[Path]:
    """Every deal of these leads that ended in the period, lost ones too."""
    return rows(Path, _at(PATHS, level), leads, [start, end, LOOKBACK_DAYS])


def leads_touched(leads: LeadQuerySet, start: datetime, end: datetime, level: str, channel: int | None) -> LeadQuerySet:
    """The leads whose won deals had a touch of this channel on their way, None: of any."""
    found = rows(_Found, _at(TOUCHED, level), leads, [start, end, LOOKBACK_DAYS, channel, channel])
    return leads.filter(pk__in=[one.lead for one in found])


def _at(statement: str, level: str) -> str:
    """The statement for sources or campaigns; ``level`` is one of LEVELS, never what somebody typed."""
    if level not in LEVELS:
        raise ValueError(level)
    return statement.replace("{level}", level)
