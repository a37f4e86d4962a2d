"""What one past deal did to its lead. Only the outcome and its date are known; whatever follows from them without
having been seen is marked as inferred."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmsync.deals.mapping import LOST, WON, Deal
from crmsync.models import Opportunity
from leadmgmt.core.now import now
from leads.lifecycle import PastMove, move_in_the_past
from leads.models import Lead, LeadEvent, Reason, Stage, User
from routing.models import Assignment

BY = "import:deals"
# The stages on the way to an opportunity, from wherever the lead stands.
WAY: dict[str, tuple[str, ...]] = {
    Stage.NEW: (Stage.MQL, Stage.SQL, Stage.OPPORTUNITY),
    Stage.DISQUALIFIED: (Stage.MQL, Stage.SQL, Stage.OPPORTUNITY),
    Stage.MQL: (Stage.SQL, Stage.OPPORTUNITY),
    Stage.SQL: (Stage.OPPORTUNITY,),
    Stage.RECYCLED: (Stage.OPPORTUNITY,),
    Stage.OPPORTUNITY: (),
}


@dataclass
class Story:
    """One deal with its lead and people. `tell` fills in the rest, in memory."""

    key: str
    deal: Deal
    lead: Lead
    sdr: User | None
    rep: User | None
    reason: Reason | None
    currency: str
    opportunity: Opportunity = field(init=False)
    assignment: Assignment | None = None
    events: list[LeadEvent] = field(default_factory=list)
    end: LeadEvent | None = None

    def events_with(self, assignment: Assignment | None) -> list[LeadEvent]:
        """The lead's history in order; the assignment's line leads it where it is this deal's."""
        if assignment is None or assignment is not self.assignment:
            return self.events
        user = assignment.user
        data = {"user": user.pk, "owner_name": str(user), "assignment": assignment.pk, "reason": assignment.reason}
        return [_event(self.lead, "lead.assigned", assignment.starts_at, data | {"inferred": True}), *self.events]


def tell(story: Story) -> None:
    """Work out opportunity, stages and assignment. Raises StageConflict for a way that the lifecycle does not know."""
    deal, lead = story.deal, story.lead
    opened_at = min(deal.opportunity_at or deal.closed_at, deal.closed_at)
    story.opportunity = Opportunity(
        lead=lead,
        name=deal.name or lead.contact.name,
        stage=Opportunity.Stage.WON if deal.outcome == WON else Opportunity.Stage.LOST,
        amount=deal.amount,
        currency=story.currency,
        owner=story.rep,
        qualified_by=story.sdr,
        loss_reason=story.reason,
        loss_text=deal.loss_reason if deal.outcome == LOST else "",
        created_at=opened_at,
        closed_at=deal.closed_at,
        is_history=True,
        import_key=story.key,
    )
    named = {"opportunity": str(story.opportunity.uuid), "amount": _plain(deal.amount), "name": story.opportunity.name}
    inferred = {} if deal.opportunity_at else {"inferred": True}
    story.events = [_event(lead, "opportunity.created", opened_at, named | inferred)]
    story.events.append(_event(lead, f"opportunity.{deal.outcome}", deal.closed_at, named | _why(story)))
    if lead.stage == Stage.WON:
        # A further deal of a customer: it counts as a deal and moves nothing.
        return
    moves = [*_moves(deal, lead, opened_at), _end(story, named)]
    steps = move_in_the_past(lead, moves, by=BY, reason=story.reason)
    story.events = [*steps[:-1], *story.events, steps[-1]]
    story.end = steps[-1]
    _give(story)


def _moves(deal: Deal, lead: Lead, opened_at: datetime) -> list[PastMove]:
    """The stages before the outcome, at the times that are known, else at the latest that is possible."""
    known: dict[str, tuple[datetime, bool]] = {
        Stage.MQL: (min(lead.first_seen_at, opened_at), False),
        Stage.SQL: (min(deal.sql_at or opened_at, opened_at), deal.sql_at is not None),
        Stage.OPPORTUNITY: (opened_at, deal.opportunity_at is not None),
    }
    return [
        PastMove(stage, known[stage][0], {} if known[stage][1] else {"inferred": True}) for stage in WAY[lead.stage]
    ]


def _end(story: Story, named: dict[str, Any]) -> PastMove:
    if story.deal.outcome == WON:
        return PastMove(Stage.WON, story.deal.closed_at, named)
    return PastMove(Stage.RECYCLED, story.deal.closed_at, named | {"lost": True, "note": story.deal.loss_reason})


def _give(story: Story) -> None:
    """Who had it: the SDR from the first touch to the end, as far as the file tells."""
    lead, deal = story.lead, story.deal
    lead.ae = story.rep or lead.ae
    if story.sdr is None:
        return
    starts_at = min(lead.first_seen_at, deal.closed_at)
    story.assignment = Assignment(
        lead=lead,
        user=story.sdr,
        reason=Assignment.Reason.HISTORY,
        starts_at=starts_at,
        ends_at=deal.closed_at,
        end_reason=f"stage.{lead.stage}",
    )
    if lead.stage == Stage.WON:
        lead.owner, lead.owned_at = story.sdr, starts_at
    else:
        lead.owner, lead.owned_at = None, None
    lead.team_id = story.sdr.team_id or lead.team_id


def _why(story: Story) -> dict[str, Any]:
    return {"reason": story.reason.code, "text": story.deal.loss_reason} if story.reason else {}


def _plain(amount: Any) -> str | None:
    return None if amount is None else str(amount)


def _event(lead: Lead, kind: str, at: datetime, data: dict[str, Any]) -> LeadEvent:
    return LeadEvent(lead=lead, kind=kind, at=at, recorded_at=now(), actor_label=BY, data=data)
