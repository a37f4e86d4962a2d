"""Training a version of the learned chance. Needs numpy and scikit-learn: `manage.py train_scoring` runs it in a
process of its own."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction

from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from qualification.models import PredictionFact, PredictionModel, TrainingRun
from qualification.prediction import guard
from qualification.prediction.drift import limits_of, reference_of
from qualification.prediction.encode import word
from qualification.prediction.fit import Examples, Fitted, fit
from qualification.prediction.predictor import Predictor
from qualification.prediction.quality import Floats, Judgement, gained, parts, segments
from qualification.services.training_data import GRADE, Counted, TrainingData, count_outcomes, gather
from qualification.services.versions import next_version

log = logging.getLogger(__name__)

# The overall rate weighs as much as this many leads of the grade itself, as where chances are counted by grade.
PRIOR = 10.0
# By which facts the leads are parted to see whether predictions fit everywhere.
PARTED_BY = ("lead.channel_kind", "lead.source", "contact.country", "company.industry", "lead.campaign")
MOST_EXPLAINED = 300
MOST_IMPORTANT = 12
DECILES = 10
State, Status = TrainingRun.State, PredictionModel.Status
Tell = Callable[[float], None]


def run_training(run: TrainingRun) -> TrainingRun:
    """Train, and put what was made beside the model that predicts as its challenger. Too few outcomes are said on the
    run; what goes wrong is kept there too."""
    at = now()

    def tell(share: float) -> None:
        TrainingRun.objects.filter(pk=run.pk).update(share=round(100 * share), heard_at=now())

    try:
        counted = count_outcomes()
        run.wins, run.others = counted.wins, counted.others
        if not counted.is_enough:
            return _end(run, State.TOO_FEW)
        data = gather(at)
        run.wins, run.others = data.wins, data.others
        if not Counted(data.wins, data.others).is_enough:
            return _end(run, State.TOO_FEW)
        tell(0.05)
        run.model = train(data, at, lambda share: tell(0.05 + 0.85 * share))
    except MemoryError:
        run.error = "MemoryError: " + worded("more memory was needed than SCORING_MEMORY_MB allows")
        return _end(run, State.FAILED)
    except Exception as error:
        log.exception("training %s failed", run.pk)
        run.error = f"{type(error).__name__}: {error}"[:2000]
        return _end(run, State.FAILED)
    return _end(run, State.DONE)


def _end(run: TrainingRun, state: str) -> TrainingRun:
    run.state, run.ended_at, run.share = state, now(), 100
    run.save(update_fields=["state", "ended_at", "share", "wins", "others", "model", "error"])
    return run


def train(data: TrainingData, at: datetime, tell: Tell = lambda share: None) -> PredictionModel:
    """One trained version, kept as the challenger; the challenger before it is archived."""
    examples = examples_of(data)
    refused = refuse(data, examples)
    kinds = {name: kind for name, kind in data.kinds.items() if name not in {one.fact for one in refused}}
    fitted = fit(examples, kinds, tell)
    # What new leads will be compared with: leads as they were first scored, with chances given by models that had not
    # seen them, as theirs will be.
    first = [place for place, row in enumerate(data.rows) if row.is_first]
    rows = [data.rows[place].facts for place in first]
    chances = [float(fitted.chosen.judged.chance[place]) for place in first]
    predictor = Predictor(fitted.body)
    # All that takes time is done before anything is locked.
    made = PredictionModel(
        family=fitted.chosen.family,
        trained_at=at,
        horizon_days=data.horizon,
        examples=data.leads,
        wins=data.wins,
        body=fitted.body,
        quality=quality_of(fitted, data, predictor),
        refused=[{"fact": one.fact, "why": one.why, "figure": round(one.figure, 4)} for one in refused],
        reference=reference_of(fitted.encoder, rows, chances) | {"limits": limits_of(chances)},
    )
    with transaction.atomic():
        # Who publishes waits, and who trains at the same moment takes the number after this one.
        list(PredictionModel.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
        PredictionModel.objects.filter(status=Status.SHADOW).update(status=Status.ARCHIVED)
        made.version = next_version(PredictionModel.objects.all())
        made.save()
    return made


def examples_of(data: TrainingData) -> Examples:
    """The examples as training takes them."""
    return Examples(
        [row.facts for row in data.rows],
        np.asarray([float(row.is_won) for row in data.rows]),
        np.asarray([row.weight for row in data.rows]),
        np.asarray([row.lead_id for row in data.rows], dtype=np.int64),
    )


def refuse(data: TrainingData, examples: Examples) -> list[guard.Refused]:
    """The facts that tell the outcome, each once, but for those that an admin wants used all the same."""
    names = sorted({name for facts in data.since_then for name in facts if name in data.kinds})
    found = {one.fact: one for one in guard.too_good(examples.rows, examples.won, examples.weight, data.kinds)}
    found |= {one.fact: one for one in guard.changed_after(data.at_the_end, data.since_then, names)}
    allowed = PredictionFact.objects.filter(choice=PredictionFact.Choice.ALLOW).values_list("fact", flat=True)
    return [found[fact] for fact in sorted(set(found) - set(allowed))]


def quality_of(fitted: Fitted, data: TrainingData, predictor: Predictor) -> dict[str, Any]:
    """Everything that the page shows of a version: measured by cross-validation, on leads not learned from."""
    judged = fitted.chosen.judged
    rows = [row for row in data.rows if row.weight > 0]
    base = by_grade(rows, judged)
    columns = {fact: [word(row.facts.get(fact)) for row in rows] for fact in PARTED_BY}
    parted = {fact: values for fact, values in columns.items() if len(set(values)) > 1}
    return {
        "auc": judged.auc_interval().as_json(),
        "brier": round(judged.brier(), 4),
        "base_brier": round(_base_brier(judged), 4),
        "log_loss": round(judged.log_loss(), 4),
        "calibration_error": round(judged.calibration_error(), 4),
        "calibration": fitted.chosen.calibration,
        "words": fitted.chosen.words,
        "bins": [one.as_json() for one in judged.bins()],
        "lift": lift(judged),
        "segments": [one.as_json() for one in segments(judged, parted)],
        "matters": matters(predictor, [row.facts for row in rows]),
        "candidates": [one.as_json() for one in fitted.candidates],
        "against_grade": {
            "auc": round(base.auc(), 4),
            "brier": round(base.brier(), 4),
            "gain": gained(judged, base).as_json(),
        },
        "rate": round(float(np.average(judged.won, weights=judged.weight)), 4),
    }


def by_grade(rows: Sequence[Any], judged: Judgement) -> Judgement:
    """The chance that would have been counted by grade: among leads of the other folds that have the same grade."""
    grades = np.asarray([str(row.facts.get(GRADE) or "") for row in rows], dtype=object)
    fold = judged.group % 5
    chance = np.zeros(len(rows))
    for part in range(5):
        here = fold == part
        if not here.any():
            continue
        overall = _rate(judged, ~here)
        for grade in set(grades[here]):
            alike = ~here & (grades == grade)
            total, wins = judged.weight[alike].sum(), (judged.weight * judged.won)[alike].sum()
            chance[here & (grades == grade)] = (wins + PRIOR * overall) / (total + PRIOR)
    return Judgement(judged.won, np.clip(chance, 0.0005, 0.9995), judged.weight, judged.group)


def _rate(judged: Judgement, chosen: Any) -> float:
    if not chosen.any():
        return 0.5
    return float(np.average(judged.won[chosen], weights=judged.weight[chosen]))


def _base_brier(judged: Judgement) -> float:
    rate = float(np.average(judged.won, weights=judged.weight))
    return rate * (1 - rate)


def lift(judged: Judgement) -> list[dict[str, float]]:
    """The leads in tenths, the likeliest first: rate of wins, how much that is above all, and the share of all wins."""
    found, overall = [], float(np.average(judged.won, weights=judged.weight))
    total = float((judged.won * judged.weight).sum())
    for chosen in reversed(parts(judged.chance, judged.weight, DECILES)):
        weight: Floats = judged.weight[chosen]
        rate = float(np.average(judged.won[chosen], weights=weight))
        wins = float((judged.won[chosen] * weight).sum())
        found.append(
            {
                "rate": round(rate, 4),
                "lift": round(rate / overall, 3) if overall else 0.0,
                "wins": round(wins / total, 4) if total else 0.0,
                "leads": len(chosen),
            }
        )
    return found


def matters(predictor: Predictor, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """The facts by how far they move a chance on average, over some hundred leads spread evenly."""
    step = max(1, len(rows) // MOST_EXPLAINED)
    chosen = rows[::step]
    sums: dict[str, float] = {}
    for facts in chosen:
        for one in predictor.influences(facts):
            sums[one.fact] = sums.get(one.fact, 0.0) + abs(one.shift)
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_IMPORTANT]
    return [{"fact": fact, "shift": round(total / len(chosen), 4)} for fact, total in ranked]
