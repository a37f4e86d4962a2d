"""Facts as numbers: which facts a model looks at, and how one lead's facts become a row."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

Facts = Mapping[str, Any]
Kind = Literal["number", "since", "category"]
DAY = 86_400.0
NOW = "now"
MOST_VALUES = 30
LEAST_SHARE = 0.005
LEAST_COUNT = 10
# A fact whose frequent values cover less than this of the leads is free text: it would be learned by heart.
LEAST_COVERED = 0.2
# What nearly all leads share tells nothing.
MOST_SHARED = 0.997
LONGEST = 80
# How many of the values seen stand for all of them where a fact's weight is worked out.
TYPICAL_NUMBERS = (0.1, 0.3, 0.5, 0.7, 0.9)
TYPICAL_VALUES = 8
# No word reads like this: words are in lower case.
OTHER = "OTHER"


@dataclass(frozen=True)
class Column:
    """One fact that a model looks at.

    Numbers are limited to ``low``–``high`` (the middle 98 % seen), then measured in ``spread`` from ``middle``. `since`
    is a time, counted in days before the prediction. `typical` are values that stand for all seen, with their shares.
    """

    fact: str
    kind: Kind
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    middle: float = 0.0
    spread: float = 1.0
    typical: tuple[tuple[Any, float], ...] = ()

    @property
    def width(self) -> int:
        """How many numbers it becomes: value and "unknown", or one for each value and one for all others."""
        return len(self.values) + 1 if self.kind == "category" else 2

    def value(self, facts: Facts) -> float | str | None:
        """What these facts say: a number (None: unknown) or a word (empty: unknown)."""
        raw = facts.get(self.fact)
        if self.kind == "category":
            return word(raw)
        return days_before(raw, facts.get(NOW)) if self.kind == "since" else number(raw)

    def numbers(self, value: float | str | None) -> list[float]:
        """One value as the model sees it."""
        if self.kind == "category":
            row = [1.0 if value == known else 0.0 for known in self.values]
            return [*row, 0.0 if any(row) or not value else 1.0]
        if value is None or isinstance(value, str):
            return [0.0, 1.0]
        return [(min(self.high, max(self.low, value)) - self.middle) / self.spread, 0.0]


@dataclass(frozen=True)
class Encoder:
    """All columns of a model, in the order of its numbers."""

    columns: tuple[Column, ...]

    def encode(self, facts: Facts) -> list[float]:
        """The row of one lead."""
        return [value for column in self.columns for value in column.numbers(column.value(facts))]

    def starts(self) -> list[int]:
        """Where each column's numbers begin."""
        found, at = [], 0
        for column in self.columns:
            found.append(at)
            at += column.width
        return found

    def as_json(self) -> list[dict[str, Any]]:
        """For the database."""
        return [asdict(column) for column in self.columns]


def encoder_from(columns: Iterable[Mapping[str, Any]]) -> Encoder:
    """The encoder behind its JSON."""
    return Encoder(
        tuple(
            Column(
                **{
                    **column,
                    "values": tuple(column["values"]),
                    "typical": tuple((value, float(share)) for value, share in column["typical"]),
                }
            )
            for column in columns
        )
    )


def number(raw: Any) -> float | None:
    """A number or yes/no, also written as text; None for anything else."""
    if isinstance(raw, bool | int | float):
        found = float(raw)
    else:
        try:
            found = float(str(raw).strip()) if raw not in (None, "") else math.nan
        except ValueError:
            return None
    return found if math.isfinite(found) else None


def word(raw: Any) -> str:
    """A value as a word, so that ways of writing it do not matter; empty for unknown."""
    return "" if raw is None else " ".join(str(raw).split()).casefold()[:LONGEST]


def days_before(raw: Any, now: Any) -> float | None:
    """How many days before ``now`` a time was; both as written in facts."""
    try:
        return (datetime.fromisoformat(str(now)) - datetime.fromisoformat(str(raw))).total_seconds() / DAY
    except (ValueError, TypeError):
        return None


def learn_encoder(rows: Sequence[Facts], kinds: Mapping[str, str]) -> Encoder:
    """The columns for these leads. ``kinds`` names the facts to look at with their kind (`Fact.kind`); of kind ``any``
    a number is what reads as one nearly always and has more than a few values."""
    found = (_column(name, kinds[name], rows) for name in sorted(kinds))
    return Encoder(tuple(column for column in found if column is not None))


def _column(name: str, kind: str, rows: Sequence[Facts]) -> Column | None:
    if kind == "time":
        return _of_numbers(name, "since", [days_before(row.get(name), row.get(NOW)) for row in rows])
    if kind in ("number", "bool") or (kind == "any" and _reads_as_number([row.get(name) for row in rows])):
        return _of_numbers(name, "number", [number(row.get(name)) for row in rows])
    return _of_words(name, [word(row.get(name)) for row in rows])


def _reads_as_number(values: Iterable[Any]) -> bool:
    known = [value for value in values if value not in (None, "")]
    read = [found for value in known if (found := number(value)) is not None]
    return len(read) >= 0.95 * len(known) and len(set(read)) > 5


def _of_numbers(name: str, kind: Kind, values: Sequence[float | None]) -> Column | None:
    known = sorted(value for value in values if value is not None)
    missing = 1 - len(known) / len(values) if values else 1.0
    if len(known) < LEAST_COUNT:
        return None
    low, high = _quantile(known, 0.01), _quantile(known, 0.99)
    if low == high:
        # What is rare is what tells: a yes/no that one in two hundred says yes to.
        low, high = known[0], known[-1]
    inside = [min(high, max(low, value)) for value in known]
    middle = sum(inside) / len(inside)
    spread = math.sqrt(sum((value - middle) ** 2 for value in inside) / len(inside))
    if spread < 1e-9 and min(missing, 1 - missing) < 1 - MOST_SHARED:
        return None
    share = (1 - missing) / len(TYPICAL_NUMBERS)
    typical = [(_quantile(known, part), share) for part in TYPICAL_NUMBERS]
    return Column(
        name,
        kind,
        low=low,
        high=high,
        middle=middle,
        spread=max(spread, 1e-9),
        typical=(*typical, *([(None, missing)] if missing else [])),
    )


def _of_words(name: str, values: Sequence[str]) -> Column | None:
    counts = Counter(values)
    least = max(LEAST_COUNT, LEAST_SHARE * len(values))
    frequent = [(value, count) for value, count in counts.most_common(MOST_VALUES) if count >= least]
    said = len(values) - counts[""]
    covered = sum(count for value, count in frequent if value)
    if said < LEAST_COUNT or not frequent or (said and covered < LEAST_COVERED * said):
        return None
    if frequent[0][1] > MOST_SHARED * len(values):
        return None
    top = frequent[:TYPICAL_VALUES]
    rest = len(values) - sum(count for _value, count in top)
    typical = [(value, count / len(values)) for value, count in top] + ([(OTHER, rest / len(values))] if rest else [])
    # In the order of their names: equal leads make equal models, whatever order they come in.
    return Column(name, "category", values=tuple(sorted(value for value, _ in frequent)), typical=tuple(typical))


def _quantile(known: Sequence[float], part: float) -> float:
    return known[min(len(known) - 1, int(part * len(known)))]
