"""Leads of the past with what became of them, for training."""

import random
from datetime import datetime, timedelta
from typing import Any

from leads.events import record_event
from leads.models import Lead
from qualification.models import Outcome, PredictionModel, Score, ScoringModel
from qualification.services.train import train
from qualification.services.training_data import gather
from tests.factories import make_lead

BEGIN = datetime.fromisoformat("2026-03-02T09:00:00+00:00")


def scored(lead: Lead, scoring: ScoringModel, at: datetime, **facts: Any) -> Score:
    """A score with these facts, as it was kept at that time."""
    known = {"now": at.isoformat(), "score.grade": "B2", **facts}
    return Score.objects.create(lead=lead, model=scoring, at=at, fit=50, engagement=30, grade="B2", facts=known)


def ended(lead: Lead, kind: str, at: datetime, **facts: Any) -> Outcome:
    event = record_event(lead, f"stage.{'won' if kind == 'won' else 'recycled'}", at=at)
    return Outcome.objects.create(lead=lead, event=event, kind=kind, at=at, facts=facts, facts_at=at)


def past(scoring: ScoringModel, count: int = 160, seed: int = 3, begin: datetime = BEGIN) -> list[Lead]:
    """Leads of whom those from fairs mostly became customers."""
    chance, leads = random.Random(seed), []
    for place in range(count):
        source = chance.choice(["fair", "google", "direct"])
        at = begin + timedelta(hours=place)
        lead = make_lead(captured_at=at, last_touch_at=at, stage="recycled")
        scored(lead, scoring, at, **{"attributes.how": source})
        is_won = chance.random() < {"fair": 0.7, "google": 0.3, "direct": 0.1}[source]
        end = at + timedelta(days=chance.uniform(2, 6))
        Lead.objects.filter(pk=lead.pk).update(stage="won" if is_won else "recycled")
        ended(lead, "won" if is_won else "lost", end, **{"attributes.how": source})
        lead.contact.attributes = {"how": source}
        lead.contact.save()
        leads.append(lead)
    return leads


def trained(scoring: ScoringModel, **more: Any) -> PredictionModel:
    past(scoring, **more)
    return train(gather(BEGIN + timedelta(days=60)), BEGIN + timedelta(days=60))
