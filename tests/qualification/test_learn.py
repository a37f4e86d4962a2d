"""Outcomes: one per event, with the facts as they were."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leads import lifecycle
from leads.lifecycle import Cause
from leads.models import Lead, LeadEvent
from qualification.models import Outcome, Score, ScoringModel
from qualification.services.learn import record_outcome
from tests.factories import make_lead, make_reason

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def scored(lead: Lead, at: datetime, grade: str) -> None:
    model, _ = ScoringModel.objects.get_or_create(version=1, defaults={"rules": []})
    Score.objects.create(
        lead=lead,
        model=model,
        at=at,
        fit=1,
        engagement=1,
        grade=grade,
        facts={"score.grade": grade, "company.staff": 7},
    )


def ended(lead: Lead, kind: str) -> Outcome:
    event = LeadEvent.objects.filter(lead=lead, kind=kind).latest("pk")
    record_outcome(lead, event)
    record_outcome(lead, event)
    return Outcome.objects.get(event=event)


def recycled(lead: Lead, **data: Any) -> Outcome:
    lifecycle.to_recycled(
        lead.pk, Cause(by="crm:local", at=AT, data=data), reason=make_reason("lost", "price"), wake_at=None
    )
    return ended(lead, "stage.recycled")


def test_a_won_lead_is_kept_with_amount_and_the_facts_of_the_last_score_before_it() -> None:
    lead = make_lead(stage="opportunity")
    scored(lead, AT - timedelta(days=9), "C3")
    scored(lead, AT - timedelta(days=2), "A1")
    scored(lead, AT + timedelta(days=1), "D4")

    lifecycle.to_won(lead.pk, Cause(by="crm:local", at=AT, data={"amount": "18400.00"}))
    outcome = ended(lead, "stage.won")

    assert (outcome.kind, outcome.at, outcome.amount) == ("won", AT, Decimal("18400.00"))
    assert outcome.facts == {"score.grade": "A1", "company.staff": 7}
    assert outcome.facts_at == AT - timedelta(days=2)
    assert Outcome.objects.count() == 1


def test_a_deal_lost_is_told_apart_from_a_lead_recycled() -> None:
    lost = recycled(make_lead(stage="opportunity"), lost=True)
    bare = recycled(make_lead(stage="opportunity"))
    slept = recycled(make_lead(stage="mql"))

    assert [one.kind for one in (lost, bare, slept)] == ["lost", "lost", "recycled"]
    assert lost.reason == "price"
    assert lost.facts == {}
    assert lost.facts_at is None


def test_a_disqualified_lead_is_an_outcome_too() -> None:
    lead = make_lead()
    lifecycle.to_disqualified(lead.pk, Cause(by="x", at=AT), reason=make_reason("disqualify", "spam"))

    assert (ended(lead, "stage.disqualified").kind, Outcome.objects.get().reason) == ("disqualified", "spam")


@pytest.mark.parametrize("amount", ["nonsense", "NaN", "1e99", {}, None])
def test_an_amount_that_is_none_does_not_stop_the_lead(amount: Any) -> None:
    lead = make_lead(stage="opportunity")
    lifecycle.to_won(lead.pk, Cause(at=AT, data={"amount": amount}))

    assert ended(lead, "stage.won").amount is None
