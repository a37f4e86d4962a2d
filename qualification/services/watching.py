"""Looking after versions that were trained: have the leads changed, is the chance still right, is the challenger
better? Runs where numpy is, once a day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Min

from leadmgmt.core.now import now
from qualification.models import PredictionModel, Score, TrainingRun
from qualification.prediction.censoring import judge
from qualification.prediction.drift import shifts, watch
from qualification.prediction.predictor import Predictor
from qualification.prediction.quality import Floats, Judgement, gained
from qualification.services.training_data import Moment, facts_at, first_moments

RECENT = timedelta(days=30)
MOST_RECENT = 2000
# Below that two versions cannot be told apart.
LEAST_OUTCOMES = 60
LEAST_WINS = 10
MOST_SHIFTS = 8
Status = PredictionModel.Status


def watch_models(at: datetime) -> int:
    """Look at the champion and the challenger; returns how many versions were looked at."""
    rows = {row.status: row for row in PredictionModel.objects.filter(status__in=[Status.PUBLISHED, Status.SHADOW])}
    for row in rows.values():
        row.drift, row.drift_at = drift_of(row, at), at
        row.save(update_fields=["drift", "drift_at"])
    champion, challenger = rows.get(Status.PUBLISHED), rows.get(Status.SHADOW)
    if champion and challenger:
        challenger.trial = compare(champion, challenger, at)
        challenger.save(update_fields=["trial"])
    return len(rows)


def drift_of(row: PredictionModel, at: datetime) -> dict[str, Any]:
    """How far the newest leads are from those it was trained on, and what the outcomes since say of its chances."""
    predictor = Predictor(row.body)
    # Each lead as it was first scored lately: that is what most of the training leads are, too.
    first = Score.objects.filter(at__gte=max(at - RECENT, row.trained_at)).values("lead").annotate(first=Min("pk"))
    pks = list(first.order_by("-first").values_list("first", flat=True)[:MOST_RECENT])
    facts = [one for _pk, one in Score.objects.filter(pk__in=pks).known()]
    moved = shifts(row.reference, predictor.encoder, facts, [predictor.probability(one) for one in facts])
    # Only leads whose whole horizon has passed: before that, losses are known sooner than wins.
    ripe = at - timedelta(days=row.horizon_days)
    moments = [one for one in first_moments(row.trained_at, at) if one.at <= ripe]
    chances, won = predicted(predictor, moments), won_within(moments, row.horizon_days)
    seen = watch(chances, won, row.reference["limits"])
    return {
        "leads": len(facts),
        "shifts": [
            {"fact": one.fact, "index": round(one.index, 4), "limit": round(one.limit, 4), "is_alarm": one.is_alarm}
            for one in moved[:MOST_SHIFTS]
        ],
        "alarms": sum(one.is_alarm for one in moved),
        "outcomes": seen.outcomes,
        "expected": round(float(chances.sum()), 1),
        "wins": int(won.sum()),
        "more": _side(seen.more, row.reference["limits"]["more"], seen.called_more),
        "fewer": _side(seen.fewer, row.reference["limits"]["fewer"], seen.called_fewer),
    }


def _side(height: float, limit: float, called: int) -> dict[str, float]:
    return {"height": round(height, 3), "limit": round(limit, 3), "called": called}


def predicted(predictor: Predictor, moments: Sequence[Moment]) -> Floats:
    """The chance of each lead at its moment."""
    return np.asarray([predictor.probability(facts) for facts in facts_at(moments)], dtype=float)


def won_within(moments: Sequence[Moment], days: int) -> Floats:
    """Whether each was won within so many days."""
    return np.asarray([float(one.watched.ending == "won" and one.watched.days <= days) for one in moments], dtype=float)


def compare(champion: PredictionModel, challenger: PredictionModel, at: datetime) -> dict[str, Any]:
    """Both versions on leads whose chance was first asked for after both were trained. Those that are still open count
    as in training (see `qualification.prediction.censoring`)."""
    moments = first_moments(max(champion.trained_at, challenger.trained_at), at)
    judged = judge([one.watched for one in moments], challenger.horizon_days)
    known = [(one, verdict) for one, verdict in zip(moments, judged, strict=True) if verdict.weight > 0]
    moments = [one for one, _verdict in known]
    won = np.asarray([float(verdict.is_won) for _one, verdict in known])
    found: dict[str, Any] = {"outcomes": len(moments), "wins": int(won.sum()), "needed": LEAST_OUTCOMES}
    if len(moments) < LEAST_OUTCOMES or won.sum() < LEAST_WINS or won.sum() == len(won):
        return found
    group = np.asarray([moment.lead_id for moment in moments], dtype=np.int64)
    weight = np.asarray([verdict.weight for _one, verdict in known])
    mine = Judgement(won, predicted(Predictor(challenger.body), moments), weight, group)
    other = Judgement(won, predicted(Predictor(champion.body), moments), weight, group)
    return found | {
        "gain": gained(mine, other).as_json(),
        "auc": round(mine.auc(), 4),
        "champion_auc": round(other.auc(), 4),
        "brier": round(mine.brier(), 4),
        "champion_brier": round(other.brier(), 4),
    }


def run_watch(run: TrainingRun) -> TrainingRun:
    """Look, and say on the run how it went."""
    try:
        watch_models(now())
    except Exception as error:
        run.state, run.error = TrainingRun.State.FAILED, f"{type(error).__name__}: {error}"[:2000]
    else:
        run.state = TrainingRun.State.DONE
    run.ended_at, run.share = now(), 100
    run.save(update_fields=["state", "error", "ended_at", "share"])
    return run
