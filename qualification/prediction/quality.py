"""How good predictions are, measured on leads that the model had not seen. All measures take weights."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from qualification.prediction.discoveries import discoveries

Floats = NDArray[np.float64]
BINS = 10
RESAMPLES = 200
SEED = 20
# A part of the leads with fewer than so many of them is not judged by itself.
LEAST_IN_SEGMENT = 40
MOST_SEGMENTS = 24


@dataclass(frozen=True)
class Interval:
    """A measure with its 95 % interval."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """For the database."""
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


@dataclass(frozen=True)
class Judgement:
    """Predictions beside what became of the leads. `group` says which rows are one lead."""

    won: Floats
    chance: Floats
    weight: Floats
    group: NDArray[np.int64]

    def auc(self) -> float:
        """The chance that a lead that was won was given more than one that was not."""
        return _auc(self.won, self.chance, self.weight)

    def brier(self) -> float:
        """The mean squared distance (G. W. Brier, Monthly Weather Review 78, 1950)."""
        return float(np.average((self.won - self.chance) ** 2, weights=self.weight))

    def log_losses(self) -> Floats:
        """What each prediction costs, in nats."""
        sure = np.clip(self.chance, 1e-6, 1 - 1e-6)
        return -(self.won * np.log(sure) + (1 - self.won) * np.log(1 - sure))

    def log_loss(self) -> float:
        """The mean of them."""
        return float(np.average(self.log_losses(), weights=self.weight))

    def bins(self, count: int = BINS) -> list["Bin"]:
        """The leads in ``count`` parts of equal weight, the least likely first."""
        return [self._bin(part) for part in parts(self.chance, self.weight, count)]

    def calibration_error(self) -> float:
        """Expected calibration error over ten parts of equal weight."""
        whole = float(self.weight.sum())
        return sum(one.weight / whole * abs(one.observed - one.expected) for one in self.bins())

    def auc_interval(self) -> Interval:
        """By bootstrap over leads, 95 %."""
        found = [_auc(self.won, self.chance, weight) for weight in resampled(self.weight, self.group)]
        low, high = np.nanquantile(found, [0.025, 0.975]) if found else (0.0, 1.0)
        return Interval(self.auc(), float(low), float(high))

    def _bin(self, chosen: NDArray[np.int64]) -> "Bin":
        weight = self.weight[chosen]
        total = float(weight.sum())
        # As many leads as their weights are worth (Kish).
        worth = total**2 / float((weight**2).sum()) if total else 0.0
        return Bin(
            expected=float(np.average(self.chance[chosen], weights=weight)),
            observed=float(np.average(self.won[chosen], weights=weight)),
            weight=total,
            leads=round(worth),
            upto=float(self.chance[chosen].max()),
        )


@dataclass(frozen=True)
class Bin:
    """Leads that were given about the same: what was expected and what came."""

    expected: float
    observed: float
    weight: float
    leads: int
    upto: float

    def as_json(self) -> dict[str, float]:
        """For the database."""
        return {
            "expected": round(self.expected, 4),
            "observed": round(self.observed, 4),
            "leads": self.leads,
            "upto": round(self.upto, 4),
        }


def parts(chance: Floats, weight: Floats, count: int) -> list[NDArray[np.int64]]:
    """The places of the leads, sorted by chance, cut into parts of equal weight; empty ones are left out."""
    order = np.argsort(chance, kind="stable")
    reached = np.cumsum(weight[order]) - weight[order] / 2
    place = np.minimum((reached / weight.sum() * count).astype(int), count - 1)
    return [order[place == part] for part in range(count) if (place == part).any()]


def _auc(won: Floats, chance: Floats, weight: Floats) -> float:
    used = weight > 0
    if len(np.unique(won[used])) < 2:
        return float("nan")
    return float(roc_auc_score(won[used], chance[used], sample_weight=weight[used]))


def resampled(weight: Floats, group: NDArray[np.int64], count: int = RESAMPLES) -> Iterator[Floats]:
    """Weights of bootstrap samples that take or leave whole leads; the same ones each time."""
    generator = np.random.default_rng(SEED)
    leads, places = np.unique(group, return_inverse=True)
    for _ in range(count):
        times = np.bincount(generator.integers(0, len(leads), len(leads)), minlength=len(leads))
        yield weight * times[places]


def gained(ours: Judgement, theirs: Judgement) -> Interval:
    """By how much our mean log loss is lower than theirs on the same leads: above 0 is better. Bootstrap, 95 %."""
    gain = theirs.log_losses() - ours.log_losses()
    found = [float(np.average(gain, weights=weight)) for weight in resampled(ours.weight, ours.group)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(float(np.average(gain, weights=ours.weight)), float(low), float(high))


@dataclass(frozen=True)
class Segment:
    """How predictions fit one part of the leads; `is_off` where they surely do not."""

    fact: str
    value: str
    leads: int
    expected: float
    observed: float
    low: float
    high: float
    is_off: bool

    def as_json(self) -> dict[str, Any]:
        """For the database."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in vars(self).items()}


def segments(judged: Judgement, values: Mapping[str, Sequence[str]]) -> list[Segment]:
    """Expected and observed wins for each frequent value of these facts. What is called off is so by Benjamini and
    Hochberg's procedure (JRSS B 57, 1995) over all parts looked at, at a false discovery rate of 5 %."""
    looked: list[tuple[Segment, float]] = []
    for fact, column in values.items():
        words = np.asarray(column, dtype=object)
        for value in sorted(set(column)):
            chosen = np.flatnonzero((words == value) & (judged.weight > 0))
            if len(chosen) >= LEAST_IN_SEGMENT:
                looked.append(_segment(judged, fact, value, chosen))
    looked.sort(key=lambda pair: -pair[0].leads)
    looked = looked[:MOST_SEGMENTS]
    off = discoveries([chance for _segment, chance in looked])
    return [Segment(**{**vars(one), "is_off": is_off}) for (one, _chance), is_off in zip(looked, off, strict=True)]


def _segment(judged: Judgement, fact: str, value: str, chosen: NDArray[np.int64]) -> tuple[Segment, float]:
    one = judged._bin(chosen)
    spread = float(np.sqrt(max(one.expected * (1 - one.expected), 1e-9) / max(one.leads, 1)))
    seen = float(np.sqrt(max(one.observed * (1 - one.observed), 1e-9) / max(one.leads, 1)))
    low, high = max(0.0, one.observed - 1.96 * seen), min(1.0, one.observed + 1.96 * seen)
    chance = float(2 * norm.sf(abs(one.observed - one.expected) / spread))
    return Segment(fact, value, one.leads, one.expected, one.observed, low, high, False), chance
