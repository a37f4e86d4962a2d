"""What do AEs accept? The share of decided handoffs that they took, by source and by the criteria behind the SQL."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leadmgmt.reports.statistics import Interval, wilson
from leads.cohort import NONE
from leads.models import Source

# A lead's latest decided handoff speaks for it, and the criteria by which it first became an SQL.
DECIDED = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
decided AS (
    SELECT DISTINCT ON (opportunity.lead_id) opportunity.lead_id, handoff.status
    FROM crmsync_handoff handoff JOIN crmsync_opportunity opportunity ON opportunity.id = handoff.opportunity_id
    JOIN cohort ON cohort.lead_id = opportunity.lead_id
    WHERE handoff.status IN ('accepted', 'refused')
    ORDER BY opportunity.lead_id, handoff.offered_at DESC, handoff.id DESC
),
made AS (
    SELECT DISTINCT ON (event.lead_id) event.lead_id,
           nullif(event.data ->> 'criteria_kind', '') || '.' || (event.data ->> 'version') AS criteria
    FROM leads_leadevent event JOIN decided USING (lead_id)
    WHERE event.kind = 'stage.sql' ORDER BY event.lead_id, event.at, event.id
)
SELECT grouping(cohort.source_id), cohort.source_id, made.criteria,
       count(*) FILTER (WHERE decided.status = 'accepted'), count(*) FILTER (WHERE decided.status = 'refused')
FROM decided JOIN cohort USING (lead_id) LEFT JOIN made USING (lead_id)
GROUP BY GROUPING SETS ((cohort.source_id), (made.criteria))
"""


@dataclass(frozen=True)
class _Decided:
    over_sources: int
    source_id: int | None
    criteria: str | None
    accepted: int
    refused: int


@dataclass(frozen=True)
class AcceptanceLine:
    """One source, or one version of criteria."""

    name: str
    accepted: int
    refused: int
    accepted_url: str
    refused_url: str

    @property
    def rate(self) -> float:
        """Accepted of decided."""
        return self.accepted / (self.accepted + self.refused)

    @property
    def interval(self) -> Interval | None:
        """How sure that is."""
        return wilson(self.accepted, self.accepted + self.refused)


@dataclass(frozen=True)
class Acceptance:
    """Both views of the same handoffs, most decided first."""

    sources: tuple[AcceptanceLine, ...]
    criteria: tuple[AcceptanceLine, ...]


def acceptance(filters: Filters) -> Acceptance:
    """Answer for these filters."""
    found = rows(_Decided, DECIDED, filters.leads())
    named = Source.objects.in_bulk([one.source_id for one in found if one.source_id is not None])
    sources, criteria = [], []
    for one in found:
        if one.over_sources:
            name = (one.criteria or "").upper().replace(".", " ") or _("None: moved by a person, or brought in")
            criteria.append(_line(filters, name, one, criteria=f"sql:{one.criteria or NONE}"))
        else:
            source = named.get(one.source_id) if one.source_id is not None else None
            name = source.name if source else _("No source given")
            sources.append(_line(filters, name, one, source=source.slug if source else NONE))
    return Acceptance(_sorted(sources), _sorted(criteria))


def _line(filters: Filters, name: str, one: _Decided, **where: str) -> AcceptanceLine:
    urls = [filters.leads_url(handoff=status, **where) for status in ("accepted", "refused")]
    return AcceptanceLine(name, one.accepted, one.refused, *urls)


def _sorted(lines: list[AcceptanceLine]) -> tuple[AcceptanceLine, ...]:
    return tuple(sorted(lines, key=lambda line: (-(line.accepted + line.refused), line.name)))
