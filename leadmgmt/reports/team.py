"""What does each rep make of what they receive? SDRs from lead to opportunity, AEs from handoff to win."""

from dataclasses import dataclass
from decimal import Decimal

from leadmgmt.core.now import now
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leadmgmt.reports.statistics import Interval, wilson
from leads.models import User

# Leads received, and how the first promise went for whoever received the lead first.
RECEIVED = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
received AS (
    SELECT assignment.lead_id, assignment.user_id, min(assignment.starts_at) AS since,
           row_number() OVER (PARTITION BY assignment.lead_id ORDER BY min(assignment.starts_at),
               min(assignment.id)) AS place
    FROM routing_assignment assignment JOIN cohort USING (lead_id)
    GROUP BY assignment.lead_id, assignment.user_id
),
promise AS (
    SELECT DISTINCT ON (clock.lead_id) clock.lead_id, clock.started_at, clock.due_at, clock.touched_at, clock.stopped_at
    FROM routing_slaclock clock JOIN cohort USING (lead_id)
    ORDER BY clock.lead_id, clock.started_at, clock.id
),
qualified AS (
    SELECT event.lead_id, min(event.at) AS at
    FROM leads_leadevent event JOIN cohort USING (lead_id)
    WHERE event.kind = 'stage.sql'
    GROUP BY event.lead_id
),
holder AS (
    SELECT DISTINCT ON (qualified.lead_id) qualified.lead_id, assignment.user_id
    FROM qualified JOIN routing_assignment assignment USING (lead_id)
    WHERE assignment.starts_at <= qualified.at
    ORDER BY qualified.lead_id, assignment.starts_at DESC, assignment.id DESC
)
SELECT received.user_id, count(*), count(*) FILTER (WHERE place = 1 AND touched_at <= due_at),
       count(*) FILTER (WHERE place = 1 AND (touched_at IS NOT NULL OR stopped_at IS NOT NULL OR due_at <= %s)),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM touched_at - started_at))
           FILTER (WHERE place = 1 AND touched_at IS NOT NULL),
       count(*) FILTER (WHERE holder.user_id = received.user_id)
FROM received LEFT JOIN promise USING (lead_id) LEFT JOIN holder USING (lead_id)
GROUP BY received.user_id
"""

# Opportunities by who qualified them, and by whose they are; a deal's latest handoff speaks for it. One that its AE
# refused was turned down by no customer.
DEALS = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
deal AS (
    SELECT opportunity.lead_id, opportunity.qualified_by_id AS sdr, opportunity.owner_id AS ae, opportunity.stage,
           opportunity.amount, handoff.status, coalesce(reason.code, '') = 'handoff-refused' AS was_none,
           extract(epoch FROM handoff.decided_at - handoff.offered_at) AS waited
    FROM crmsync_opportunity opportunity JOIN cohort USING (lead_id)
    LEFT JOIN leads_reason reason ON reason.id = opportunity.loss_reason_id
    LEFT JOIN LATERAL (
        SELECT * FROM crmsync_handoff WHERE crmsync_handoff.opportunity_id = opportunity.id
        ORDER BY offered_at DESC, id DESC LIMIT 1
    ) handoff ON true
    -- One that was another's twin is counted with that one.
    WHERE reason.code IS DISTINCT FROM 'one-deal'
)
SELECT grouping(sdr), sdr, ae, count(DISTINCT lead_id),
       count(DISTINCT lead_id) FILTER (WHERE status = 'accepted'),
       count(DISTINCT lead_id) FILTER (WHERE status = 'refused'),
       count(DISTINCT lead_id) FILTER (WHERE status = 'offered'),
       count(DISTINCT lead_id) FILTER (WHERE stage = 'open'), count(DISTINCT lead_id) FILTER (WHERE stage = 'won'),
       count(DISTINCT lead_id) FILTER (WHERE stage = 'lost' AND NOT was_none),
       sum(amount) FILTER (WHERE stage = 'won'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY waited)
FROM deal
GROUP BY GROUPING SETS ((sdr), (ae))
"""


@dataclass(frozen=True)
class Received:
    """What one rep received."""

    user_id: int
    leads: int
    kept: int
    promised: int
    p50: float | None
    sqls: int

    @property
    def share(self) -> float | None:
        """The share of promises kept."""
        return self.kept / self.promised if self.promised else None


@dataclass(frozen=True)
class Deals:
    """The opportunities of one SDR or one AE."""

    over_sdrs: int
    sdr: int | None
    ae: int | None
    count: int
    accepted: int
    refused: int
    offered: int
    open: int
    won: int
    lost: int
    revenue: Decimal | None
    decision: float | None

    @property
    def win_rate(self) -> float | None:
        """Won of those decided."""
        return self.won / (self.won + self.lost) if self.won + self.lost else None

    @property
    def win_interval(self) -> Interval | None:
        """How sure the win rate is."""
        return wilson(self.won, self.won + self.lost)


NO_DEALS = Deals(0, None, None, 0, 0, 0, 0, 0, 0, 0, None, None)


@dataclass(frozen=True)
class SdrLine:
    """One SDR."""

    user: User | None
    received: Received
    deals: Deals
    urls: dict[str, str]

    @property
    def sql_interval(self) -> Interval | None:
        """How sure the share of SQLs is."""
        return wilson(self.received.sqls, self.received.leads)


@dataclass(frozen=True)
class AeLine:
    """One AE."""

    user: User | None
    deals: Deals
    urls: dict[str, str]


@dataclass(frozen=True)
class TeamReport:
    """The answer."""

    filters: Filters
    sdrs: tuple[SdrLine, ...]
    aes: tuple[AeLine, ...]


def team(filters: Filters) -> TeamReport:
    """Answer for these filters."""
    received = {line.user_id: line for line in rows(Received, RECEIVED, filters.leads(), [now()])}
    deals = rows(Deals, DEALS, filters.leads())
    of_sdr = {line.sdr: line for line in deals if not line.over_sdrs and line.sdr}
    of_ae = {line.ae: line for line in deals if line.over_sdrs and line.ae}
    people = User.objects.select_related("team").in_bulk({*received, *of_sdr, *of_ae})
    sdrs = [
        SdrLine(
            people[key],
            received.get(key, Received(key, 0, 0, 0, None, 0)),
            of_sdr.get(key, NO_DEALS),
            _sdr_urls(filters, str(key)),
        )
        for key in {*received, *of_sdr}
    ]
    aes = [AeLine(people[key], line, _ae_urls(filters, str(key))) for key, line in of_ae.items()]
    sdrs.sort(key=lambda line: (-line.deals.won, -line.received.sqls, -line.received.leads, str(line.user)))
    aes.sort(key=lambda line: (-line.deals.won, -line.deals.count, str(line.user)))
    return TeamReport(filters, tuple(sdrs), tuple(aes))


def _sdr_urls(filters: Filters, person: str) -> dict[str, str]:
    return {
        "leads": filters.leads_url(**_rep(filters, person)),
        "sqls": filters.leads_url(sql_by=person),
        "deals": filters.leads_url(sdr=person),
        "accepted": filters.leads_url(sdr=person, handoff="accepted"),
        "refused": filters.leads_url(sdr=person, handoff="refused"),
        "won": filters.leads_url(sdr=person, deal="won"),
    }


def _ae_urls(filters: Filters, person: str) -> dict[str, str]:
    return {
        "deals": filters.leads_url(ae=person),
        "offered": filters.leads_url(ae=person, handoff="offered"),
        "accepted": filters.leads_url(ae=person, handoff="accepted"),
        "refused": filters.leads_url(ae=person, handoff="refused"),
        "open": filters.leads_url(ae=person, deal="open"),
        "won": filters.leads_url(ae=person, deal="won"),
        "lost": filters.leads_url(ae=person, deal="lost"),
    }


def _rep(filters: Filters, person: str) -> dict[str, str]:
    return {"received": person} if filters.rep else {"rep": person}
