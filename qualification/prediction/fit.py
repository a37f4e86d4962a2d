"""Training: a regularised logistic regression and gradient boosting, chosen by cross-validation and calibrated.

Both end as plain numbers (weights, or trees as arrays) that `Predictor` reads; nothing is pickled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from qualification.prediction.encode import Encoder, Facts, learn_encoder
from qualification.prediction.predictor import LEAST, MOST, sigmoid
from qualification.prediction.quality import Floats, Judgement

FOLDS = 5
SEED = 7
# From the strongest regularisation to the weakest.
STRENGTHS = (0.02, 0.1, 0.5)
TREES = ((2, 120, 0.08), (3, 160, 0.06))
# Isotonic regression learns steps by heart where there are few wins.
LEAST_FOR_ISOTONIC = 200
Learner = Callable[[], Any]


@dataclass(frozen=True)
class Examples:
    """What a model learns from: facts at the moment of prediction, whether the lead was won, how much it counts, and
    which lead it was."""

    rows: Sequence[Facts]
    won: Floats
    weight: Floats
    group: np.ndarray[tuple[int], np.dtype[np.int64]]

    @property
    def wins(self) -> int:
        """How many of them were won."""
        return int(self.won[self.weight > 0].sum())


@dataclass(frozen=True)
class Candidate:
    """One way to learn, judged on leads it had not seen."""

    family: str
    words: str
    raw: Floats
    judged: Judgement
    calibration: str

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return {
            "family": self.family,
            "words": self.words,
            "auc": round(self.judged.auc(), 4),
            "brier": round(self.judged.brier(), 4),
            "log_loss": round(self.judged.log_loss(), 4),
            "calibration": self.calibration,
        }


@dataclass(frozen=True)
class Fitted:
    """A trained model: what `Predictor` reads, and how each candidate did in cross-validation."""

    body: dict[str, Any]
    chosen: Candidate
    candidates: list[Candidate]
    encoder: Encoder


def folds_of(examples: Examples) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The fold of each example; all of one lead are in one."""
    made = np.zeros(len(examples.won), dtype=np.int64)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for fold, (_train, test) in enumerate(splitter.split(made, examples.won, examples.group)):
        made[test] = fold
    return made


def fit(examples: Examples, kinds: Mapping[str, str], tell: Callable[[float], None] = lambda share: None) -> Fitted:
    """Train on all examples what did best in cross-validation. ``tell`` hears how far it has come, 0 to 1.

    Of two that cannot be told apart (their log losses differ by less than one standard error) the logistic regression
    is taken: it is the simpler one.
    """
    used = [int(place) for place in np.flatnonzero(examples.weight > 0)]
    examples = Examples(
        [examples.rows[place] for place in used], examples.won[used], examples.weight[used], examples.group[used]
    )
    encoder = learn_encoder(examples.rows, kinds)
    table = np.asarray([encoder.encode(row) for row in examples.rows], dtype=np.float32)
    if table.size == 0:
        table = np.zeros((len(examples.rows), 0), dtype=np.float32)
    folds = folds_of(examples)
    tried = learners(len(examples.won))
    steps, done = len(tried) * (FOLDS + 1), 0
    candidates = []
    for family, words, make in tried:
        raw = np.zeros(len(examples.won))
        for fold in range(FOLDS):
            here = folds == fold
            raw[here] = _learned(make, table[~here], examples.won[~here], examples.weight[~here])(table[here])
            done += 1
            tell(done / steps)
        candidates.append(_judged(family, words, raw, examples, folds))
    chosen = _choose(candidates)
    make = next(make for family, words, make in tried if (family, words) == (chosen.family, chosen.words))
    learner = make()
    learner.fit(table, examples.won, sample_weight=examples.weight)
    tell(1.0)
    body = _body(learner, chosen, encoder, examples)
    return Fitted(body, chosen, candidates, encoder)


def learners(count: int) -> list[tuple[str, str, Learner]]:
    """The ways to learn from so many examples: family, settings in words, and how one is made."""
    found: list[tuple[str, str, Learner]] = [
        ("logistic", f"C = {strength:g}", partial(LogisticRegression, C=strength, max_iter=400))
        for strength in STRENGTHS
    ]
    for depth, trees, rate in TREES:
        grow = partial(
            GradientBoostingClassifier,
            n_estimators=trees,
            max_depth=depth,
            learning_rate=rate,
            subsample=0.7,
            max_features=0.3,
            min_samples_leaf=max(8, count // 250),
            random_state=SEED,
        )
        found.append(("boosting", f"{trees} × {depth}", grow))
    return found


def _learned(make: Learner, table: Any, won: Floats, weight: Floats) -> Callable[[Any], Floats]:
    if len(np.unique(won)) < 2 or table.shape[1] == 0:
        rate = float(np.clip(np.average(won, weights=weight), 1e-3, 1 - 1e-3))
        return lambda asked: np.full(len(asked), np.log(rate / (1 - rate)))
    learner = make()
    learner.fit(table, won, sample_weight=weight)
    return lambda asked: np.asarray(learner.decision_function(asked), dtype=float)


def _judged(family: str, words: str, raw: Floats, examples: Examples, folds: Any) -> Candidate:
    """Calibrated in the way that does better on folds it was not fitted to."""
    best: tuple[float, str, Floats] | None = None
    ways = ["platt", *(["isotonic"] if examples.wins >= LEAST_FOR_ISOTONIC else [])]
    for way in ways:
        chance = np.zeros(len(raw))
        for fold in range(FOLDS):
            here = folds == fold
            made = calibration(way, raw[~here], examples.won[~here], examples.weight[~here])
            chance[here] = applied(made, raw[here])
        judged = Judgement(examples.won, chance, examples.weight, examples.group)
        if best is None or judged.log_loss() < best[0]:
            best = judged.log_loss(), way, chance
    if best is None:
        raise RuntimeError("there is always a way to calibrate")
    return Candidate(family, words, raw, Judgement(examples.won, best[2], examples.weight, examples.group), best[1])


def _choose(candidates: Sequence[Candidate]) -> Candidate:
    best = min(candidates, key=lambda one: one.judged.log_loss())
    if best.family == "logistic":
        return best
    plain = min((one for one in candidates if one.family == "logistic"), key=lambda one: one.judged.log_loss())
    difference = plain.judged.log_losses() - best.judged.log_losses()
    mean = float(np.average(difference, weights=best.judged.weight))
    error = float(np.sqrt(np.average((difference - mean) ** 2, weights=best.judged.weight) / len(difference)))
    return best if mean > error else plain


def calibration(way: str, raw: Floats, won: Floats, weight: Floats) -> dict[str, Any]:
    """Platt's line through the log odds ("Probabilistic outputs for support vector machines", 1999, with his prior on
    the targets), or isotonic regression (Zadrozny and Elkan, KDD 2002)."""
    if way == "isotonic":
        steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw, won, sample_weight=weight)
        xs = [round(float(x), 6) for x in steps.X_thresholds_]
        return {"x": xs, "y": [round(float(y), 6) for y in steps.y_thresholds_], "slope": 1.0, "offset": 0.0}
    wins, others = float((weight * won).sum()), float((weight * (1 - won)).sum())
    target = np.where(won > 0, (wins + 1) / (wins + 2), 1 / (others + 2))
    line = LogisticRegression(C=1e6, max_iter=400)
    # Each lead once as a win and once as none, with the weight of its target.
    line.fit(
        np.concatenate([raw, raw]).reshape(-1, 1),
        np.concatenate([np.ones(len(raw)), np.zeros(len(raw))]),
        sample_weight=np.concatenate([weight * target, weight * (1 - target)]),
    )
    return {"x": [], "y": [], "slope": float(line.coef_[0][0]), "offset": float(line.intercept_[0])}


def applied(made: Mapping[str, Any], raw: Floats) -> Floats:
    """The calibrated chances of many."""
    if made["x"]:
        chances = np.interp(raw, made["x"], made["y"])
    else:
        chances = np.asarray([sigmoid(made["slope"] * float(value) + made["offset"]) for value in raw])
    bounded: Floats = np.clip(chances, LEAST, MOST)
    return bounded


def _body(learner: Any, chosen: Candidate, encoder: Encoder, examples: Examples) -> dict[str, Any]:
    body: dict[str, Any] = {"family": chosen.family, "columns": encoder.as_json()}
    if chosen.family == "logistic":
        body |= {"start": float(learner.intercept_[0]), "weights": [float(weight) for weight in learner.coef_[0]]}
    else:
        body |= _trees(learner)
    body["calibration"] = calibration(chosen.calibration, chosen.raw, examples.won, examples.weight)
    body["bins"] = [[one.upto, one.leads] for one in chosen.judged.bins()]
    return body


def _trees(learner: Any) -> dict[str, Any]:
    """The trees as arrays. Each leaf already has the learning rate in it."""
    prior = float(learner.init_.class_prior_[1])
    trees = []
    for grown in learner.estimators_[:, 0]:
        inner = grown.tree_
        is_leaf = inner.children_left < 0
        value = np.where(is_leaf, inner.value[:, 0, 0] * learner.learning_rate, 0.0)
        trees.append(
            {
                "feature": [int(place) for place in np.where(is_leaf, 0, inner.feature)],
                "threshold": [float(limit) for limit in np.where(is_leaf, 0.0, inner.threshold)],
                "left": [int(node) for node in inner.children_left],
                "right": [int(node) for node in inner.children_right],
                "value": [float(leaf) for leaf in value],
            }
        )
    return {"start": float(np.log(prior / (1 - prior))), "trees": trees}
