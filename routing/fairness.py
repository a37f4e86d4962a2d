"""Who is next in a pool, without a database.

Each lead is one entitlement, split by weight among those who could take it at that moment; who receives it is debited
one. The largest balance is next, then who has waited longest, then a draw. Balances therefore sum to zero at any time,
absence neither earns nor costs, and a newcomer starts level with everybody.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

STEP = Decimal("0.000001")
ONE = Decimal(1)


class By(StrEnum):
    """What decided between the candidates."""

    ALONE = "alone"
    BALANCE = "balance"
    IDLE = "idle"
    DRAW = "draw"
    FIT = "fit"
    LOAD = "load"


@dataclass(frozen=True)
class Share:
    """One who could take the lead: weight over zero, balance before this lead, when the last lead came."""

    rep_id: int
    weight: Decimal
    balance: Decimal
    last_assigned_at: datetime | None = None


@dataclass(frozen=True)
class Choice:
    """Who receives the lead and why, with every movement of a balance.

    ``credits`` sum to one; ``number`` in [0, 1) is the draw's, None if none was needed; ``tied`` are those it was drawn
    between, in the order of their shares of the line.
    """

    rep_id: int
    by: By
    credits: Mapping[int, Decimal]
    tied: tuple[int, ...] = ()
    number: float | None = None


def choose(shares: Sequence[Share], seed: str) -> Choice:
    """Who is next. The same shares and seed always give the same answer, in whatever order the shares come."""
    if not shares:
        raise ValueError("Nobody to choose from.")
    portions = _rounded(shares)
    owed = {share.rep_id: share.balance + portions[share.rep_id] for share in shares}
    most = max(owed.values())
    leaders = [share for share in shares if owed[share.rep_id] == most]
    rested = _longest_idle(leaders)
    tied = tuple(sorted(share.rep_id for share in rested))
    number = draw(seed) if len(tied) > 1 else None
    chosen = tied[int(number * len(tied))] if number is not None else tied[0]
    by = By.DRAW if number is not None else By.IDLE if len(leaders) > 1 else By.BALANCE
    credits = _completed(portions, chosen)
    return Choice(chosen, By.ALONE if len(shares) == 1 else by, credits, tied if number is not None else (), number)


def entitle(shares: Sequence[Share], chosen: int) -> dict[int, Decimal]:
    """One lead split by weight. What rounding leaves over goes to the one who is debited: the sum is one exactly."""
    return _completed(_rounded(shares), chosen)


def _completed(portions: dict[int, Decimal], chosen: int) -> dict[int, Decimal]:
    portions[chosen] += ONE - sum(portions.values())
    return portions


def balances_after(shares: Sequence[Share], choice: Choice) -> dict[int, Decimal]:
    """Each one's balance once the choice is booked."""
    after = {share.rep_id: share.balance + choice.credits[share.rep_id] for share in shares}
    after[choice.rep_id] -= ONE
    return after


def draw(seed: str) -> float:
    """A number in [0, 1) made from the seed alone, so that everybody can draw it again."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6]) / 2**48


def _rounded(shares: Sequence[Share]) -> dict[int, Decimal]:
    """Each one's part of the entitlement, rounded down to the ledger's digits."""
    total = sum((share.weight for share in shares), Decimal())
    if total <= 0:
        raise ValueError("Weights must sum to more than zero.")
    # Few weights, many reps: each weight is divided once.
    by_weight = {weight: (weight / total).quantize(STEP, ROUND_DOWN) for weight in {share.weight for share in shares}}
    return {share.rep_id: by_weight[share.weight] for share in shares}


def _longest_idle(shares: Sequence[Share]) -> list[Share]:
    """Those whose last lead lies furthest back; who never had one has waited longest."""
    fresh = [share for share in shares if share.last_assigned_at is None]
    if fresh:
        return fresh
    oldest = min(share.last_assigned_at for share in shares if share.last_assigned_at)
    return [share for share in shares if share.last_assigned_at == oldest]
