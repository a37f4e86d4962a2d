"""Whether the leads, or what becomes of them, are no longer those a model was trained on. Both alarms have a false
alarm rate that is known beforehand."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from qualification.prediction.encode import OTHER, Encoder, Facts
from qualification.prediction.quality import Floats

# Of a hundred looks at leads that have not changed, one calls an alarm (over all facts together).
FALSE_ALARMS = 0.01
# Of a hundred models that stay right, five call an alarm within the next HORIZON outcomes.
FALSE_ALARMS_OF_OUTCOMES = 0.05
HORIZON = 1000
SIMULATED = 400
# What the watch over outcomes looks for: odds twice as high, or half as high, as predicted.
ODDS = 2.0
SEED = 11
LEAST_LEADS = 100
MOST_PARTS = 10


@dataclass(frozen=True)
class Shift:
    """How much one fact's distribution has moved (population stability index), and from where on that is an alarm."""

    fact: str
    index: float
    limit: float

    @property
    def is_alarm(self) -> bool:
        """Whether it moved more than chance explains."""
        return self.index > self.limit


def reference_of(encoder: Encoder, rows: Sequence[Facts], chances: Sequence[float]) -> dict[str, Any]:
    """What is kept of the leads a model was trained on: shares of each fact's values, and of the chances."""
    return {
        "leads": len(rows),
        "facts": {
            column.fact: _shares([_level(column.value(row), edges) for row in rows]) | {"edges": edges}
            for column in encoder.columns
            for edges in [_edges(column, rows)]
        },
        "chance": _chance_reference(chances),
    }


def _chance_reference(chances: Sequence[float]) -> dict[str, Any]:
    edges = _cuts(list(chances))
    return _shares([_level(chance, edges) for chance in chances]) | {"edges": edges}


def shifts(
    reference: Mapping[str, Any], encoder: Encoder, rows: Sequence[Facts], chances: Sequence[float]
) -> list[Shift]:
    """How far these leads are from those of the reference, most first; empty while there are too few of them.

    Where nothing has moved, the index times n·m/(n + m) is distributed as chi-squared with one degree of freedom less
    than there are parts (B. Yurdakul, "Statistical properties of population stability index", 2018). The limit is
    its quantile, shared out over all facts (Bonferroni), so that one look in a hundred is a false alarm.
    """
    if len(rows) < LEAST_LEADS:
        return []
    found = []
    looked = len(reference["facts"]) + 1
    for column in encoder.columns:
        if then := reference["facts"].get(column.fact):
            now = [_level(column.value(row), then["edges"]) for row in rows]
            found.append(_shift(column.fact, then, now, reference["leads"], looked))
    then = reference["chance"]
    found.append(_shift("", then, [_level(chance, then["edges"]) for chance in chances], reference["leads"], looked))
    return sorted(found, key=lambda shift: -(shift.index / shift.limit))


def _shift(fact: str, then: Mapping[str, Any], now: Sequence[str], before: int, looked: int) -> Shift:
    expected = {str(level): float(share) for level, share in then["shares"].items()}
    seen = Counter(level if level in expected else OTHER for level in now)
    levels = {*expected, *seen}
    index = 0.0
    for level in levels:
        # Half a lead in each part, so that an empty one is no infinity.
        old = (expected.get(level, 0.0) * before + 0.5) / (before + 0.5 * len(levels))
        new = (seen[level] + 0.5) / (len(now) + 0.5 * len(levels))
        index += (new - old) * math.log(new / old)
    freedom = max(1, len(levels) - 1)
    limit = float(chi2.isf(FALSE_ALARMS / looked, freedom)) * (1 / before + 1 / len(now))
    return Shift(fact, index, limit)


def _edges(column: Any, rows: Sequence[Facts]) -> list[float]:
    if column.kind == "category":
        return []
    return _cuts([value for row in rows if (value := column.value(row)) is not None])


def _cuts(known: Sequence[float]) -> list[float]:
    return (
        sorted({float(edge) for edge in np.quantile(known, np.linspace(0, 1, MOST_PARTS + 1)[1:-1])}) if known else []
    )


def _level(value: float | str | None, edges: Sequence[float]) -> str:
    if value is None or value == "":
        return ""
    return value if isinstance(value, str) else str(int(np.searchsorted(edges, value)))


def _shares(levels: Sequence[str]) -> dict[str, Any]:
    counts = Counter(levels)
    frequent = dict(counts.most_common(MOST_PARTS))
    rest = len(levels) - sum(frequent.values())
    shares = {level: count / len(levels) for level, count in frequent.items()}
    return {"shares": shares | ({OTHER: rest / len(levels)} if rest else {})}


def limits_of(chances: Sequence[float]) -> dict[str, float]:
    """From where on the watch over outcomes calls: found by playing futures in which the model is right."""
    generator = np.random.default_rng(SEED)
    futures = generator.choice(np.asarray(chances, dtype=float), (SIMULATED, HORIZON))
    won = generator.random((SIMULATED, HORIZON)) < futures
    found = {}
    for name, odds in (("more", ODDS), ("fewer", 1 / ODDS)):
        steps = _steps(futures, won.astype(float), odds)
        # Both ways together call falsely as often as was promised.
        found[name] = float(np.quantile(_highest(steps), 1 - FALSE_ALARMS_OF_OUTCOMES / 2))
    return found


@dataclass(frozen=True)
class Watch:
    """The watch over outcomes: how high it stands each way, and after how many outcomes it called (0: it did not)."""

    outcomes: int
    more: float
    fewer: float
    called_more: int
    called_fewer: int


def watch(chances: Floats, won: Floats, limits: Mapping[str, float]) -> Watch:
    """A risk-adjusted CUSUM (S. H. Steiner et al., Biostatistics 1, 2000) over outcomes in the order they came, since
    the model was trained."""
    highs, called = {}, {}
    for name, odds in (("more", ODDS), ("fewer", 1 / ODDS)):
        reached, high, at = 0.0, 0.0, 0
        for place, step in enumerate(_steps(chances, won, odds), 1):
            reached = max(0.0, reached + float(step))
            high = max(high, reached)
            if not at and reached > limits[name]:
                at = place
        highs[name], called[name] = high, at
    return Watch(len(won), highs["more"], highs["fewer"], called["more"], called["fewer"])


def _steps(chances: Floats, won: Floats, odds: float) -> Floats:
    """The log likelihood ratio of each outcome: odds times ``odds`` against as predicted."""
    steps: Floats = won * math.log(odds) - np.log1p((odds - 1) * chances)
    return steps


def _highest(steps: Floats) -> Floats:
    """The highest that each row's CUSUM gets."""
    reached, high = np.zeros(len(steps)), np.zeros(len(steps))
    for column in steps.T:
        reached = np.maximum(0.0, reached + column)
        high = np.maximum(high, reached)
    return high
