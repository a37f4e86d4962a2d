"""A year of leads: how far anybody is from what was owed to them, beside a draw by capacity.

The same arrivals, the same absences. Ours is the rotation as it decides. The other is what Odoo publishes for its
members (addons/crm/models/crm_team.py): among those who take leads, one is drawn by the capacity they have left this
month. Everybody is owed their part, by weight, of each lead for which they were there.

BENCH_LEADS (20,000) and BENCH_REPS (20) set the size.
"""

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bench.harness import percentile, report
from routing.fairness import Share, balances_after, choose

LEADS = int(os.environ.get("BENCH_LEADS", "20000"))
REPS = int(os.environ.get("BENCH_REPS", "20"))
SEED = 20261126
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
Chooser = Callable[[list[int], int, datetime], int]


def main() -> None:
    """Print the distances in leads. Ours has a bound for a pool that is all there; with absences it is watched."""
    weights = {rep: Decimal("0.5") if rep % 5 == 0 else Decimal(1) for rep in range(REPS)}
    arrivals = _arrivals()
    for name, absent in (("everybody there", 0.0), ("a fifth away at any time, in weeks", 0.2)):
        crowds = _crowds(arrivals, absent)
        ours = _play(arrivals, crowds, weights, _rotation(weights))
        drawn = _play(arrivals, crowds, weights, _draw(weights))
        for who, distances in (("rotation", ours), ("draw by capacity", drawn)):
            report(
                "fairness",
                f"{LEADS} leads, {REPS} reps, {name}: {who}, leads away from what was owed",
                worst=round(max(distances), 2),
                p50=round(percentile(distances, 0.5), 2),
            )
        report("fairness", f"{name}: draw against rotation, worst", ratio=round(max(drawn) / max(ours), 1))


def _arrivals() -> list[datetime]:
    """Office hours mostly, with bursts."""
    chance, at, found = random.Random(SEED), BEGIN, []
    while len(found) < LEADS:
        at += timedelta(minutes=chance.expovariate(1 / 25))
        burst = chance.randint(5, 40) if chance.random() < 0.01 else 1
        found += [at] * burst
    return found[:LEADS]


def _crowds(arrivals: list[datetime], absent: float) -> list[list[int]]:
    """Who is there: absences last a week."""
    chance = random.Random(SEED + 1)
    away: dict[tuple[int, int], bool] = {}
    found = []
    for at in arrivals:
        week = (at - BEGIN).days // 7
        there = [rep for rep in range(REPS) if not away.setdefault((rep, week), chance.random() < absent)]
        found.append(there or [0])
    return found


def _play(
    arrivals: list[datetime], crowds: list[list[int]], weights: dict[int, Decimal], chooser: Chooser
) -> list[float]:
    """Each rep's largest distance from what was owed, over the year."""
    owed = dict.fromkeys(weights, 0.0)
    worst = dict.fromkeys(weights, 0.0)
    for number, (at, there) in enumerate(zip(arrivals, crowds, strict=True)):
        whole = float(sum(weights[rep] for rep in there))
        for rep in there:
            owed[rep] += float(weights[rep]) / whole
        owed[chooser(there, number, at)] -= 1
        for rep in there:
            worst[rep] = max(worst[rep], abs(owed[rep]))
    return list(worst.values())


def _rotation(weights: dict[int, Decimal]) -> Chooser:
    balances = dict.fromkeys(weights, Decimal())
    last: dict[int, datetime] = {}

    def chosen(there: list[int], number: int, at: datetime) -> int:
        shares = [Share(rep, weights[rep], balances[rep], last.get(rep)) for rep in there]
        choice = choose(shares, f"lead {number}")
        balances.update(balances_after(shares, choice))
        last[choice.rep_id] = at
        return choice.rep_id

    return chosen


def _draw(weights: dict[int, Decimal]) -> Chooser:
    chance = random.Random(SEED + 2)
    month = LEADS / 12
    whole = float(sum(weights.values()))
    left: dict[tuple[int, int], float] = {}

    def chosen(there: list[int], number: int, at: datetime) -> int:
        keys = [(rep, at.month + 12 * at.year) for rep in there]
        room = [max(left.setdefault(key, float(weights[key[0]]) / whole * month * 1.5), 0.01) for key in keys]
        (key,) = chance.choices(keys, room)
        left[key] -= 1
        return key[0]

    return chosen


if __name__ == "__main__":
    main()
