"""What became of a lead, kept for the score to learn from."""

from decimal import Decimal, InvalidOperation
from typing import Any

from leads.models import Lead, LeadEvent, Stage
from qualification.models import Outcome, Score
from qualification.services.chances import forget_counts

KINDS = {
    "stage.won": Outcome.Kind.WON,
    "stage.recycled": Outcome.Kind.RECYCLED,
    "stage.disqualified": Outcome.Kind.DISQUALIFIED,
}


def record_outcome(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: one outcome per event, with the facts as they were when the lead was last scored before it."""
    kind = KINDS[event.kind]
    if kind == Outcome.Kind.RECYCLED and (event.data.get("lost") or event.data.get("from") == Stage.OPPORTUNITY):
        kind = Outcome.Kind.LOST
    score = Score.objects.filter(lead=lead, at__lte=event.at).order_by("-at", "-pk").first()
    Outcome.objects.get_or_create(
        event=event,
        defaults={
            "lead": lead,
            "kind": kind,
            "reason": str(event.data.get("reason") or "")[:40],
            "at": event.at,
            "amount": _amount(event.data.get("amount")),
            "facts": score.all_facts if score else {},
            "facts_at": score.at if score else None,
        },
    )
    forget_counts()


def _amount(value: Any) -> Decimal | None:
    try:
        amount = Decimal(str(value)) if value not in (None, "") else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount) < 10**12 else None
