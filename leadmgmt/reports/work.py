"""How is the work spread? What each rep has and does, what their pools owe them, and in which order they take it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leadmgmt.reports.turns import Turns, turns
from leads.models import Lead, User
from leads.querysets import LeadQuerySet
from qualification.models import Activity

DONE = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */)
SELECT activity.by_id, count(*) FILTER (WHERE activity.kind = 'call'), count(*) FILTER (WHERE activity.kind = 'email'),
       count(*) FILTER (WHERE activity.kind = 'meeting'), count(DISTINCT activity.lead_id)
FROM qualification_activity activity JOIN cohort USING (lead_id)
WHERE activity.undone_at IS NULL AND NOT activity.is_automatic AND activity.kind <> 'note'
  AND activity.by_id IS NOT NULL
GROUP BY activity.by_id
"""

# What the pools' ledgers say: the shares a rep was due, and the leads that came.
DUE = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */)
SELECT rep.user_id, coalesce(sum(entry.amount) FILTER (WHERE entry.kind = 'entitlement'), 0),
       coalesce(-sum(entry.amount) FILTER (WHERE entry.kind <> 'entitlement'), 0)
FROM routing_ledgerentry entry JOIN cohort USING (lead_id) JOIN routing_rep rep ON rep.id = entry.rep_id
GROUP BY rep.user_id
"""


@dataclass(frozen=True)
class Done:
    """What one person did for these leads."""

    user_id: int
    calls: int
    mails: int
    meetings: int
    leads: int

    @property
    def touches(self) -> int:
        """All of it."""
        return self.calls + self.mails + self.meetings


@dataclass(frozen=True)
class Due:
    """What one rep was due from the pools, and got."""

    user_id: int
    due: Decimal
    got: Decimal

    @property
    def over(self) -> Decimal:
        """Leads more than the share; less where it is negative."""
        return self.got - self.due


@dataclass(frozen=True)
class WorkLine:
    """One rep."""

    user: User
    has: int
    done: Done
    due: Due | None
    turns: Turns | None
    urls: dict[str, str]


def work(filters: Filters) -> list[WorkLine]:
    """A line for everybody who did something, was due something or has something; most leads at hand first."""
    done = {one.user_id: one for one in rows(Done, DONE, filters.leads())}
    due = {one.user_id: one for one in rows(Due, DUE, filters.leads())}
    order = turns(filters)
    people = User.objects.select_related("team").in_bulk({*done, *due, *order})
    has = _at_hand(people)
    lines = [
        WorkLine(
            user=user,
            has=has.get(pk, 0),
            done=done.get(pk, Done(pk, 0, 0, 0, 0)),
            due=due.get(pk),
            turns=order.get(pk),
            urls=_urls(filters, str(pk)),
        )
        for pk, user in people.items()
    ]
    return sorted(lines, key=lambda line: (-line.has, -line.done.touches, str(line.user)))


def _at_hand(people: Iterable[int]) -> dict[int, int]:
    """Leads to be worked that each of them has now, whatever the report's filters."""
    now = Lead.objects.working().filter(owner__in=people).order_by()
    return dict(now.values_list("owner").annotate(n=Count("pk")))


def _urls(filters: Filters, person: str) -> dict[str, str]:
    return {
        "done": filters.leads_url(worked_by=person),
        "turns": filters.leads_url(out_of_turn=person),
        "touches": filters.leads_url(received_by=person, promise="made"),
    }


def worked_by(leads: LeadQuerySet, user_id: int) -> LeadQuerySet:
    """Those that this person called, wrote to or met."""
    return leads.filter(Exists(Activity.objects.touches().filter(lead=OuterRef("pk"), by=user_id)))
