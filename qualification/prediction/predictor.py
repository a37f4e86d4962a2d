"""A trained model at work, in plain Python: probability, interval, and what speaks for it and against."""

import bisect
import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from leadmgmt.core.shares import Z90, wilson
from qualification.prediction.encode import Column, Facts, encoder_from

Family = Literal["logistic", "boosting"]
# A calibrated estimate is never certain.
LEAST, MOST = 0.0005, 0.9995
# What moves the chance by less than this is no reason.
LEAST_SHIFT = 0.004


@dataclass(frozen=True)
class Estimate:
    """The chance to be won between 0 and 1, with the 90 % interval of leads that were judged alike."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Influence:
    """What one fact does to a lead's chance, against what leads usually have there: ``shift`` in chance, -1 to 1."""

    fact: str
    value: float | str | None
    shift: float


@dataclass(frozen=True)
class Tree:
    """One tree: at a node, go left if the number is at most the threshold. Leaves have no ``left``."""

    feature: Sequence[int]
    threshold: Sequence[float]
    left: Sequence[int]
    right: Sequence[int]
    value: Sequence[float]

    def of(self, row: Sequence[float]) -> float:
        """What this tree adds for a row."""
        node = 0
        while (left := self.left[node]) >= 0:
            node = left if row[self.feature[node]] <= self.threshold[node] else self.right[node]
        return self.value[node]


class Predictor:
    """A model read from its JSON (see `qualification.prediction.fit`); it may be shared by threads."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.encoder = encoder_from(body["columns"])
        self.family: Family = body["family"]
        self.start = float(body["start"])
        self.weights = [float(weight) for weight in body.get("weights", ())]
        self.trees = [Tree(**tree) for tree in body.get("trees", ())]
        self._starts = self.encoder.starts()
        self._xs = [float(x) for x in body["calibration"]["x"]]
        self._ys = [float(y) for y in body["calibration"]["y"]]
        self._slope, self._offset = float(body["calibration"]["slope"]), float(body["calibration"]["offset"])
        self._bins = [(float(upto), float(count)) for upto, count in body["bins"]]
        self._users = self._trees_by_column()

    def probability(self, facts: Facts) -> float:
        """The calibrated chance to be won."""
        return self.calibrated(self.raw(self._row(facts)))

    def estimate(self, facts: Facts) -> Estimate:
        """The chance, with how sure it is: the 90 % interval for as many leads as were judged alike."""
        mean = self.probability(facts)
        place = min(bisect.bisect_left([upto for upto, _count in self._bins], mean), len(self._bins) - 1)
        low, high = wilson(mean, max(self._bins[place][1], 1.0), Z90)
        return Estimate(round(mean, 4), round(low, 4), round(high, 4))

    def raw(self, row: Sequence[float]) -> float:
        """The log odds before calibration."""
        if self.family == "logistic":
            return self.start + sum(weight * value for weight, value in zip(self.weights, row, strict=True))
        return self.start + sum(tree.of(row) for tree in self.trees)

    def calibrated(self, raw: float) -> float:
        """The chance behind log odds."""
        if not self._xs:
            return _bounded(sigmoid(self._slope * raw + self._offset))
        place = bisect.bisect_right(self._xs, raw)
        if place == 0 or place == len(self._xs):
            return _bounded(self._ys[max(0, place - 1)])
        before, after = self._xs[place - 1], self._xs[place]
        part = (raw - before) / (after - before) if after > before else 1.0
        return _bounded(self._ys[place - 1] + part * (self._ys[place] - self._ys[place - 1]))

    def influences(self, facts: Facts) -> list[Influence]:
        """What each fact does, the strongest first: the chance as it is, less the mean chance if this fact alone were
        as it usually is (its marginal expectation: one-fact partial dependence; J. H. Friedman, "Greedy function
        approximation", Annals of Statistics 29, 2001, section 8.2)."""
        row = self._row(facts)
        whole = self.raw(row)
        mean = self.calibrated(whole)
        found = []
        for place, column in enumerate(self.encoder.columns):
            usual = self._usual(place, column, row, whole)
            shift = mean - usual
            if abs(shift) >= LEAST_SHIFT:
                found.append(Influence(column.fact, column.value(facts), round(shift, 4)))
        return sorted(found, key=lambda one: (-abs(one.shift), one.fact))

    def _usual(self, place: int, column: Column, row: Sequence[float], whole: float) -> float:
        """The mean chance with this column as leads usually have it, all else being equal."""
        start = self._starts[place]
        end = start + column.width
        other, total = array("f", row), 0.0
        shares = sum(share for _value, share in column.typical)
        # Only what looks at this column changes.
        users = self._users[place]
        rest = whole - self._part(start, end, row, users)
        for value, share in column.typical:
            other[start:end] = array("f", column.numbers(value))
            total += share * self.calibrated(rest + self._part(start, end, other, users))
        return total / shares if shares else self.calibrated(whole)

    def _part(self, start: int, end: int, row: Sequence[float], users: Sequence[Tree]) -> float:
        if self.family == "logistic":
            return sum(self.weights[place] * row[place] for place in range(start, end))
        return sum(tree.of(row) for tree in users)

    def _trees_by_column(self) -> list[list[Tree]]:
        owner: list[int] = []
        for place, column in enumerate(self.encoder.columns):
            owner += [place] * column.width
        users: list[list[Tree]] = [[] for _ in self.encoder.columns]
        for tree in self.trees:
            for place in {owner[feature] for feature, left in zip(tree.feature, tree.left, strict=True) if left >= 0}:
                users[place].append(tree)
        return users

    def _row(self, facts: Facts) -> Sequence[float]:
        # As narrow as where the model was trained, so that a value on a threshold falls on the same side.
        return array("f", self.encoder.encode(facts))


def sigmoid(value: float) -> float:
    """The probability behind log odds."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _bounded(chance: float) -> float:
    return min(MOST, max(LEAST, chance))
