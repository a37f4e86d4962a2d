"""Which sources earned the revenue of the deals that closed, by eight models side by side, and how sure that is.

The unit is the deal with the journey of its whole company (`leadmgmt.reports.journeys`). Intervals come from drawing
the deals anew (bootstrap, Efron 1979): a draw has as many deals as there are, each as likely as any other, lost ones
too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.journeys import RULES, UNKNOWN, Credit, Path, credits_of, paths_of
from leadmgmt.reports.removal import Floats, removal_shares, shapley_shares, tables, transitions, whole_cents
from leadmgmt.reports.sources import costs_of, names_of
from leadmgmt.reports.statistics import Interval
from leads.cohort import NONE, YEARS, narrow
from leads.models import Lead
from leads.querysets import LeadQuerySet

MODELS = (*RULES, "markov", "shapley")
RESAMPLES = 400
# Draws at once: bounds what is held in memory.
CHUNK = 50
# The rarest channels are one for the models that learn: a chain of many states, and subsets double with each player.
MOST_STATES, MOST_PLAYERS = 24, 8
# A comparison is sure where so many of the draws agree (two-sided 95 %), an order where most models do.
SURE = 0.975
MOST_MODELS = len(MODELS) // 2 + 1


@dataclass(frozen=True)
class Estimate:
    """What one model gives one channel, in cents, and between what it lies (in the currency's unit)."""

    cents: int
    interval: Interval

    @property
    def amount(self) -> Decimal:
        """In the currency's unit."""
        return Decimal(self.cents) / 100


@dataclass(frozen=True)
class Channel:
    """One source or campaign. ``group``: ahead, middle or open."""

    key: int
    slug: str
    name: str
    touched: int
    estimates: tuple[Estimate, ...]
    cost: Decimal | None
    group: str = "open"

    @property
    def lowest(self) -> Decimal:
        """The least that a model gives it."""
        return min(one.amount for one in self.estimates)

    @property
    def highest(self) -> Decimal:
        """The most that a model gives it."""
        return max(one.amount for one in self.estimates)

    @property
    def spread(self) -> float | None:
        """The highest model divided by the lowest; None where one gives nothing."""
        return float(self.highest / self.lowest) if self.lowest > 0 else None

    @property
    def returns(self) -> tuple[float, float] | None:
        """Credit divided by cost, by the least and by the most generous model."""
        return (float(self.lowest / self.cost), float(self.highest / self.cost)) if self.cost else None


@dataclass(frozen=True)
class Attribution:
    """The answer. ``firsts``: in how many models each channel comes first, by key."""

    filters: Filters
    level: str
    channels: tuple[Channel, ...]
    deals: int
    wins: int
    cents: int
    firsts: dict[int, int] = field(default_factory=dict)

    @property
    def revenue(self) -> Decimal:
        """What every model shares out."""
        return Decimal(self.cents) / 100

    def group(self, name: str) -> list[Channel]:
        """The channels of one group."""
        return [one for one in self.channels if one.group == name]


def cohort_of(filters: Filters) -> LeadQuerySet:
    """The leads whose deals are looked at: those of the team or rep, whenever they were first seen."""
    everything = Lead.objects.visible_to(filters.reader) if filters.reader else Lead.objects.all()
    return narrow(everything, {name: value for name in ("team", "rep") if (value := getattr(filters, name))})


def closed_within(filters: Filters) -> tuple[datetime, datetime]:
    """The instants from (included) and to (excluded) between which the deals ended."""
    start, end = filters.bounds()
    return start or datetime(YEARS.start, 1, 1, tzinfo=UTC), end or datetime(YEARS.stop, 1, 1, tzinfo=UTC)


def attribution(filters: Filters, level: str = "source") -> Attribution:
    """Answer for these filters, by source or by campaign."""
    start, end = closed_within(filters)
    leads = cohort_of(filters)
    paths = paths_of(leads, start, end, level)
    cents = sum(path.cents for path in paths)
    wins = sum(path.won for path in paths)
    if not wins or not cents:
        return Attribution(filters, level, (), len(paths), wins, cents)
    keys = sorted({channel for path in paths for channel in path.channels})
    points, draws = _estimate(paths, credits_of(leads, start, end, level), keys, cents)
    groups = _groups(points, draws)
    firsts = {key: sum(int(np.argmax(row)) == place for row in points) for place, key in enumerate(keys)}
    costs, names = costs_of(filters, level), names_of(level, [key for key in keys if key != UNKNOWN])
    low, high = np.percentile(draws, [2.5, 97.5], axis=1) / 100
    channels = [
        Channel(
            key=key,
            slug=names.get(key, (NONE, ""))[0],
            name=names.get(key, (NONE, ""))[1],
            touched=sum(path.won and key in path.channels for path in paths),
            estimates=tuple(
                Estimate(int(points[model, place]), Interval(float(low[model, place]), float(high[model, place])))
                for model in range(len(MODELS))
            ),
            cost=costs.get(key),
            group=groups[place],
        )
        for place, key in enumerate(keys)
    ]
    channels.sort(key=lambda one: (-sum(each.cents for each in one.estimates), one.name))
    return Attribution(filters, level, tuple(channels), len(paths), wins, cents, firsts)


def _estimate(paths: list[Path], credits: list[Credit], keys: list[int], cents: int) -> tuple[np.ndarray, Floats]:
    """Whole cents by model and channel, and the same for each draw: shape (models, draws, channels)."""
    place = {key: number for number, key in enumerate(keys)}
    row = {path.deal: number for number, path in enumerate(paths)}
    shares = np.zeros((len(RULES), len(paths), len(keys)))
    points = np.zeros((len(MODELS), len(keys)), dtype=np.int64)
    amounts = np.array([path.cents for path in paths], dtype=float)
    for one in credits:
        model = RULES.index(one.model)
        shares[model, row[one.deal], place[one.channel]] = one.share * amounts[row[one.deal]]
        points[model, place[one.channel]] += one.cents
    everybody = np.ones((1, len(paths)))
    learners = [
        _Learner(paths, keys, MOST_STATES, points[RULES.index("linear")], shapley=False),
        _Learner(paths, keys, MOST_PLAYERS, points[RULES.index("linear")], shapley=True),
    ]
    for number, learner in enumerate(learners, len(RULES)):
        points[number] = whole_cents(learner.shares(everybody)[0], cents)
    draw = np.random.default_rng([len(paths), cents])
    drawn = []
    for _ in range(RESAMPLES // CHUNK):
        weights = draw.multinomial(len(paths), np.full(len(paths), 1 / len(paths)), size=CHUNK).astype(float)
        ruled = np.einsum("bd,mdc->mbc", weights, shares, optimize=True)
        learned = np.stack([one.shares(weights) for one in learners]) * (weights @ amounts)[None, :, None]
        drawn.append(np.concatenate([ruled, learned]))
    return points, np.concatenate(drawn, axis=1)


class _Learner:
    """One of the two models that learn. Channels beyond the ``most`` count as one, which they share as linear does."""

    def __init__(self, paths: list[Path], keys: list[int], most: int, linear: np.ndarray, *, shapley: bool) -> None:
        touches = dict.fromkeys(keys, 0)
        for path in paths:
            for channel in path.channels:
                touches[channel] += 1
        often = sorted(keys, key=lambda key: (-touches[key], key))
        own = often if len(keys) <= most else often[: most - 1]
        state = {key: number for number, key in enumerate(own)}
        self.count = len(own) + (len(keys) > len(own))
        moves = [([state.get(channel, len(own)) for channel in path.channels], path.won) for path in paths]
        self.moves, self.learn = transitions(moves, self.count), shapley_shares if shapley else removal_shares
        # From states to channels: one to one, and the last one as linear has it among its members.
        self.spread = np.zeros((self.count, len(keys)))
        pooled = [number for number, key in enumerate(keys) if key not in state]
        for number, key in enumerate(keys):
            if key in state:
                self.spread[state[key], number] = 1.0
        if pooled:
            among = linear[pooled].astype(float) + 1
            self.spread[-1, pooled] = among / among.sum()

    def shares(self, weights: Floats) -> Floats:
        """Each channel's part of the revenue, one row for each row of weights over the deals."""
        found: Floats = self.learn(tables(weights, self.moves, self.count)) @ self.spread
        return found


def _groups(points: np.ndarray, draws: Floats) -> list[str]:
    """Who is ahead of everybody else for certain, who of the rest is, and whose order is open.

    One channel is surely before another where most models say so, each with 95 % of its draws.
    """
    models, _, count = draws.shape
    before = np.zeros((count, count), dtype=int)
    for model in range(models):
        for one in range(count):
            more = (draws[model, :, one][:, None] > draws[model]).mean(axis=0)
            before[one] += (more >= SURE).astype(int)
    surely = before >= MOST_MODELS
    order = [int(place) for place in np.argsort(-points.sum(axis=0), kind="stable")]
    groups = ["open"] * count
    for name in ("ahead", "middle"):
        front = _front(order, surely)
        for place in front:
            groups[place] = name
        order = [place for place in order if place not in front]
    return groups


def _front(order: Sequence[int], surely: np.ndarray) -> list[int]:
    """The fewest at the top of ``order`` that are each surely before all the others; none where there are no such."""
    for size in range(1, len(order)):
        front, rest = order[:size], order[size:]
        if all(surely[one, other] for one in front for other in rest):
            return list(front)
    return []
