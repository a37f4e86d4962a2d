"""Scoring a lead: facts and touches in, score with its reasons out, stored and told to the pipeline."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction

from leadmgmt.core.clock import for_a_spell
from leadmgmt.core.now import now
from leads.configuration import Kept, looked_at_once
from leads.events import record_event
from leads.facts import facts_of, lead_facts, newest_touches
from leads.facts.base import GRADES
from leads.facts.registry import MOST_TOUCHES
from leads.models import Lead, LeadEvent, Touchpoint, User
from leads.querysets import OPEN
from leads.services.storing import insert_many, update_many, update_one
from qualification.models import Score, ScoringModel
from qualification.scoring import MOST_EVENTS, Model, Result, Signal, read_model, score
from qualification.services.chances import chance_of
from qualification.services.predicting import Predicted, champion, predict
from qualification.services.score_in_sql import Chances, Judge, NotInSQL, changing_facts, score_in_sql

WRITTEN = ("fit", "engagement", "grade", "engagement_at", "win_probability", "scored_at")
FADES_AFTER = timedelta(days=1)
AT_ONCE = 200
BY = "scoring"

_published = Kept(ScoringModel.objects.filter(status=ScoringModel.Status.PUBLISHED).first, "qualification_scoringmodel")


def score_lead(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: score the lead and tell it with one ``lead.scored`` per ``lead.enriched``.

    Without a published model nothing is invented: the lead goes on without a score.
    """
    if not lead.is_open or _was_scored(lead, event):
        return
    at = now()
    made = store_score(lead, at)
    data: dict[str, Any] = {"for": event.pk}
    if made is not None:
        data |= {"grade": made.grade, "fit": made.fit, "engagement": made.engagement, "model": made.model.version}
    if event.data.get("late"):
        data["late"] = True
    record_event(lead, "lead.scored", at=at, by=BY, data=data)


def _was_scored(lead: Lead, event: LeadEvent) -> bool:
    """Whether this event has been answered: a step may run twice. A lead without a score has none before it."""
    return lead.scored_at is not None and lead.events.filter(kind="lead.scored", data__for=event.pk).exists()


def store_score(lead: Lead, at: datetime) -> Score | None:
    """Score a locked lead and write the result to it; None while no model is published."""
    if lead.scored_at is None or lead.scored_at < lead.captured_at:
        # How long this interest waited for its first score; later ones have times of their own.
        lead.scored_at = at
    row = _published()
    if row is None:
        lead.save(update_fields=["scored_at"])
        return None
    result, facts = _judge(lead, compiled(row), at)
    chance = predict(facts, result.grade)
    made = _made(lead, row, result, chance, facts, at)
    insert_many([made])
    _write(lead, result, chance, at)
    return made


def _made(
    lead: Lead, row: ScoringModel, result: Result, chance: Predicted, facts: dict[str, Any], at: datetime
) -> Score:
    return Score(
        lead=lead,
        model=row,
        at=at,
        fit=result.fit,
        engagement=result.engagement,
        grade=result.grade,
        prediction_id=chance.model_id,
        win_probability=chance.mean,
        win_low=chance.estimate.low if chance.estimate else None,
        win_high=chance.estimate.high if chance.estimate else None,
        reasons=result.reasons,
        facts=facts | _as_facts(result, chance),
    )


def _judge(lead: Lead, model: Model, at: datetime) -> tuple[Result, dict[str, Any]]:
    facts = lead_facts(lead, at)
    touches, events = _signals(lead, model)
    return score(facts, touches, events, model, at), facts


def _write(lead: Lead, result: Result, chance: Predicted, at: datetime) -> None:
    _take(lead, result, chance, at)
    update_one(lead, WRITTEN)


def _take(lead: Lead, result: Result, chance: Predicted, at: datetime) -> None:
    lead.fit, lead.engagement, lead.grade, lead.engagement_at = result.fit, result.engagement, result.grade, at
    lead.win_probability = chance.mean


def fade_due(at: datetime) -> int:
    """Clock: bring the engagement of leads being worked up to date once a day. Returns how many were looked at.

    A new grade or fit is a new score with its reasons; in between the figure on the lead fades quietly.
    """
    old = Lead.objects.working().filter(engagement_at__lt=at - FADES_AFTER)
    due = list(old.order_by("engagement_at").values_list("pk", flat=True)[:AT_ONCE])
    row = _published()
    if row is None:
        return 0
    looked = 0
    for lead_id in for_a_spell(due):
        looked += 1
        with transaction.atomic(), looked_at_once():
            lead = Lead.objects.lock().get(pk=lead_id)
            result, facts = _judge(lead, compiled(row), at)
            if _is_another(result, lead):
                store_score(lead, at)
            else:
                _write(lead, result, predict(facts, result.grade), at)
    return looked


def score_anew(lead_ids: Sequence[int], at: datetime) -> "Rescored":
    """Score open leads by the model that scores now, all under their locks in one transaction. What the model that
    scores has said already is not kept again."""
    row = _published()
    if row is None:
        return Rescored()
    model, moved = compiled(row), 0
    with transaction.atomic(), looked_at_once():
        # In the order of numbers, as everybody who locks several does.
        leads = list(Lead.objects.lock().filter(pk__in=lead_ids, stage__in=OPEN).order_by("pk"))
        ids = [lead.pk for lead in leads]
        facts, signals = facts_of(ids, at), signals_of(ids, model.event_kinds)
        newest = Score.objects.filter(lead__in=ids).order_by("lead", "-at", "-pk").distinct("lead")
        judges = {lead: judge for lead, *judge in newest.values_list("lead", "model", "prediction")}
        made = []
        for lead in leads:
            result = score(facts[lead.pk], *signals[lead.pk], model, at)
            chance = predict(facts[lead.pk], result.grade)
            moved += result.grade != lead.grade
            if judges.get(lead.pk) != [row.pk, chance.model_id] or _is_another(result, lead):
                made.append(_made(lead, row, result, chance, facts[lead.pk], at))
            if lead.scored_at is None or lead.scored_at < lead.captured_at:
                lead.scored_at = at
            _take(lead, result, chance, at)
        insert_many(made)
        update_many(leads, WRITTEN)
    return Rescored(moved)


@dataclass(frozen=True)
class Rescored:
    """How many leads got another grade."""

    moved: int = 0


def _is_another(result: Result, lead: Lead) -> bool:
    """Whether this is more than engagement that has faded: then it is a score of its own, with its reasons."""
    return (result.grade, result.fit) != (lead.grade, lead.fit) or result.engagement > (lead.engagement or 0)


def score_locked(ids: Sequence[int], at: datetime) -> "Rescored":
    """The same as `score_anew`, of open leads whose locks the caller's transaction has: by one statement of SQL for all
    but those of which too little has been kept so far."""
    row = _published()
    if row is None:
        return Rescored()
    with looked_at_once():
        try:
            done = score_in_sql(ids, judge_of(row), _chances(), at)
        except NotInSQL:
            done = {}
        left = score_anew([pk for pk in ids if pk not in done], at)
    return Rescored(sum(done.values()) + left.moved)


def judge_of(row: ScoringModel) -> Judge:
    """What scores many at once. Which facts this version's scores keep is set once, so that old ones can be read."""
    model = compiled(row)
    if not row.changing:
        row.changing = changing_facts(model)
        row.save(update_fields=["changing"])
    return Judge(model, row.pk, row.changing)


def _chances() -> Chances:
    best = champion()
    if best is not None:
        return Chances(best.pk, {})
    counted = {grade: chance_of(grade) for grade in GRADES}
    return Chances(None, {grade: (one.mean, one.low, one.high) for grade, one in counted.items() if one})


def rescore(lead_id: int) -> Score | None:
    """Score a lead again with what is known now, without moving or routing it."""
    with transaction.atomic():
        return store_score(Lead.objects.lock().get(pk=lead_id), now())


def compiled(row: ScoringModel) -> Model:
    """The model ready to use; reading the same rules twice would be for nothing."""
    return _compiled(json.dumps(row.rules, sort_keys=True), row.half_life_days, json.dumps(row.groups, sort_keys=True))


@lru_cache(maxsize=8)
def _compiled(rules: str, half_life_days: int, groups: str) -> Model:
    return read_model(json.loads(rules), half_life_days, json.loads(groups))


def _signals(lead: Lead, model: Model) -> tuple[list[Signal], list[Signal]]:
    touches = [Signal(touch.kind, touch.at, touch.subject) for touch in newest_touches(lead)]
    if not model.event_kinds:
        return touches, []
    events = lead.events.filter(kind__in=model.event_kinds).order_by("-at").values_list("kind", "at")[:MOST_EVENTS]
    return touches, [Signal(*event) for event in events]


def signals_of(lead_ids: Sequence[int], kinds: Collection[str]) -> Mapping[int, tuple[list[Signal], list[Signal]]]:
    """Touches and events of many leads, newest first, as many of each lead as one lead's score looks at."""
    found: dict[int, tuple[list[Signal], list[Signal]]] = {lead_id: ([], []) for lead_id in lead_ids}
    touches = Touchpoint.objects.filter(lead__in=lead_ids).order_by("-at", "-pk")
    for lead_id, kind, at, subject in touches.values_list("lead", "kind", "at", "subject").iterator():
        if len(found[lead_id][0]) < MOST_TOUCHES:
            found[lead_id][0].append(Signal(kind, at, subject))
    if kinds:
        events = LeadEvent.objects.filter(lead__in=lead_ids, kind__in=kinds).order_by("-at")
        for lead_id, kind, at in events.values_list("lead", "kind", "at").iterator():
            if len(found[lead_id][1]) < MOST_EVENTS:
                found[lead_id][1].append(Signal(kind, at))
    return found


def _as_facts(result: Result, chance: Predicted) -> dict[str, Any]:
    return {
        "score.fit": result.fit,
        "score.engagement": result.engagement,
        "score.grade": result.grade,
        "score.win_probability": chance.mean,
    }


def publish_model(model_id: int, by: User | None = None) -> ScoringModel:
    """Have this model score from now on; the old one is archived. Raises InvalidInput for rules that cannot be read."""
    with transaction.atomic():
        rows = {row.pk: row for row in ScoringModel.objects.select_for_update().order_by("pk")}
        chosen = rows[model_id]
        read_model(chosen.rules, chosen.half_life_days, chosen.groups)
        for row in rows.values():
            if row.status == ScoringModel.Status.PUBLISHED and row.pk != model_id:
                row.status = ScoringModel.Status.ARCHIVED
                row.save(update_fields=["status"])
        chosen.status, chosen.published_at = ScoringModel.Status.PUBLISHED, now()
        chosen.published_by = by
        chosen.save(update_fields=["status", "published_at", "published_by"])
    return chosen
