"""The minute after a capture, step by step: matched, enriched, scored, routed, notified, acknowledged."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows

# Of leads that somebody could take at once: how long one waits for a shift is no step of ours.
STEPS = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
moments AS (
    SELECT lead.captured_at, lead.enriched_at, lead.scored_at, lead.routed_at, lead.notified_at,
           (SELECT min(capture.processed_at) FROM leads_capture capture
             WHERE capture.lead_id = lead.id AND capture.processed_at >= lead.captured_at) AS matched_at,
           (SELECT min(assignment.accepted_at) FROM routing_assignment assignment
             WHERE assignment.lead_id = lead.id AND assignment.starts_at >= lead.captured_at) AS accepted_at
    FROM cohort JOIN leads_lead lead ON lead.id = cohort.lead_id
    WHERE NOT lead.is_history AND lead.notified_at >= lead.captured_at
      AND NOT EXISTS (SELECT FROM routing_waitinglead wait WHERE wait.lead_id = lead.id)
),
spans AS (
    SELECT step.place, step.name, extract(epoch FROM step.ended - step.begun) AS seconds
    FROM moments CROSS JOIN LATERAL (VALUES
        (1, 'match', captured_at, matched_at),
        (2, 'enrich', coalesce(matched_at, captured_at), enriched_at),
        (3, 'score', enriched_at, scored_at),
        (4, 'route', scored_at, routed_at),
        (5, 'notify', routed_at, notified_at),
        (6, 'whole', captured_at, notified_at),
        (7, 'acknowledge', notified_at, accepted_at)
    ) AS step (place, name, begun, ended)
    WHERE step.ended >= step.begun
)
SELECT name, count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds),
       percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds), percentile_disc(0.99) WITHIN GROUP (ORDER BY seconds),
       count(*) FILTER (WHERE seconds <= 60)
FROM spans GROUP BY place, name ORDER BY place
"""
LABELS: dict[str, str | Promise] = {
    "match": _("Kept and matched"),
    "enrich": _("Enriched"),
    "score": _("Scored"),
    "route": _("Routed"),
    "notify": _("Notified"),
    "whole": _("Captured to notified"),
    "acknowledge": _("Notified to acknowledged"),
}


@dataclass(frozen=True)
class Step:
    """One step over many leads; seconds."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float
    within_minute: int

    @property
    def label(self) -> str:
        """In words."""
        return str(LABELS[self.name])

    @property
    def share(self) -> float:
        """The share that took a minute at most."""
        return self.within_minute / self.count if self.count else 0.0

    @property
    def is_whole(self) -> bool:
        """Whether it is the sum of the steps above it."""
        return self.name == "whole"


def steps(filters: Filters) -> list[Step]:
    """Each step with its percentiles, for these filters."""
    return rows(Step, STEPS, filters.leads())
