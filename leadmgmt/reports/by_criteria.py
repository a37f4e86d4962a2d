"""Which criteria made the funnel's MQLs and SQLs? One line per version that counted, so that years can be compared."""

from dataclasses import dataclass
from datetime import datetime

from leadmgmt.reports.funnel import Funnel, stage_url
from leadmgmt.reports.query import rows
from leads.cohort import NONE
from qualification.models import Criteria

# How each lead got to the stage for the first time, as the funnel counts it. Whoever was moved by a person, or
# brought in with a history of its own, met no criteria.
COUNTED = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
first AS (
    SELECT DISTINCT ON (event.lead_id, event.kind) substr(event.kind, 7) AS stage,
           coalesce(event.data ->> 'criteria_kind', '') AS kind, coalesce(event.data ->> 'version', '') AS version
    FROM leads_leadevent event JOIN cohort USING (lead_id)
    WHERE event.kind IN ('stage.mql', 'stage.sql') AND event.at < %s
      AND EXISTS (SELECT FROM leads_leadevent came
                  WHERE came.lead_id = event.lead_id AND came.kind = 'lead.captured' AND came.at < %s)
    ORDER BY event.lead_id, event.kind, event.at, event.id
)
SELECT stage, kind, CASE WHEN kind <> '' THEN version ELSE '' END, count(*) FROM first GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class _Counted:
    stage: str
    kind: str
    version: str
    count: int


@dataclass(frozen=True)
class CriteriaLine:
    """Leads that reached a stage by one version of criteria; without a kind: by none."""

    stage: str
    kind: str
    version: str
    since: datetime | None
    count: int
    share: float
    url: str

    @property
    def share_percent(self) -> float:
        """The share as a bar is drawn by it."""
        return 100 * self.share

    @property
    def name(self) -> str:
        """The criteria as they are called."""
        return f"{self.kind.upper()} {self.version}" if self.kind else ""


def by_criteria(funnel: Funnel) -> list[CriteriaLine]:
    """For MQL, then SQL: the newest version first, what met no criteria last."""
    found = rows(_Counted, COUNTED, funnel.filters.leads(), [funnel.at, funnel.at])
    published = Criteria.objects.exclude(published_at=None).values_list("kind", "version", "published_at")
    since = {(kind, str(version)): at for kind, version, at in published}
    lines = [
        CriteriaLine(
            one.stage,
            one.kind,
            one.version,
            since.get((one.kind, one.version)),
            one.count,
            one.count / funnel.total.reached(one.stage),
            stage_url(funnel.filters, one.stage, criteria=f"{one.stage}:{_judge(one)}"),
        )
        for one in found
    ]
    return sorted(lines, key=lambda line: (line.stage, line.kind == "", -line.since.timestamp() if line.since else 0))


def _judge(one: _Counted) -> str:
    return f"{one.kind}.{one.version}" if one.kind else NONE
