"""Who comes first: promise × value × cadence, a pure function whose three factors the screen shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from qualification.desk.plan import Plan, Step
from qualification.desk.situation import Situation

# The remaining time at which a promise presses half as much as one that is over.
HALF_AT = timedelta(minutes=15)
NO_PROMISE = 0.1
# A follow-up presses a little more each day that it is late, never as much as a promise that is over.
LATE_PER_DAY, LATE_MOST = 0.1, 0.5
# Where no outcome has been learned yet: how much more one grade is worth a call than another, no probability.
GRADE_WEIGHT = {"A": 0.4, "B": 0.3, "C": 0.15, "D": 0.05}
INTEREST_WEIGHT = {"1": 1.0, "2": 0.75, "3": 0.5, "4": 0.3}
UNGRADED = 0.1
STEP_WEIGHT = {
    Step.FIRST_TOUCH: 1.0,
    Step.APPOINTMENT: 1.0,
    Step.STIRRED: 0.9,
    Step.SENT_BACK: 0.9,
    Step.GIVE_UP: 0.2,
    Step.PAUSED: 0.1,
}
FIRST_FOLLOW_UP, LESS_PER_TRY, LEAST_FOLLOW_UP = 0.8, 0.12, 0.25


@dataclass(frozen=True)
class Order:
    """The three factors, each between 0 and 1, and what they come to."""

    promise: float
    value: float
    cadence: float

    @property
    def priority(self) -> float:
        """What the list is sorted by, highest first."""
        return self.promise * self.value * self.cadence


def order(situation: Situation, plan: Plan) -> Order:
    """The factors of one lead."""
    return Order(promise_factor(plan, situation.at), value_factor(situation), cadence_factor(situation, plan))


def promise_factor(plan: Plan, at: datetime) -> float:
    """1 when a promise is over, a half a quarter of an hour before, ever less the more time is left."""
    if plan.due_at is None:
        return NO_PROMISE
    left = plan.due_at - at
    if plan.is_promise:
        return 1.0 if left <= timedelta(0) else HALF_AT / (HALF_AT + left)
    days_late = max(0, -left.days)
    return min(NO_PROMISE + LATE_PER_DAY * days_late, LATE_MOST)


def value_factor(situation: Situation) -> float:
    """The chance to win, or the grade's weight while no chance can be told."""
    lead = situation.lead
    if lead.win_probability is not None:
        return lead.win_probability
    if len(lead.grade) != 2:
        return UNGRADED
    return GRADE_WEIGHT.get(lead.grade[0], UNGRADED) * INTEREST_WEIGHT.get(lead.grade[1], 0.3)


def expected_value(situation: Situation, deal_value: Decimal) -> Decimal | None:
    """Chance × usual deal value in the organisation's currency; None while no chance can be told."""
    chance = situation.lead.win_probability
    return None if chance is None else (deal_value * Decimal(str(chance))).quantize(Decimal(1))


def cadence_factor(situation: Situation, plan: Plan) -> float:
    """First touches and agreed times in full, every further try a little less."""
    if plan.step not in (Step.FOLLOW_UP, Step.PACED):
        return STEP_WEIGHT[plan.step]
    return max(LEAST_FOLLOW_UP, FIRST_FOLLOW_UP - LESS_PER_TRY * max(0, situation.attempts - 1))
