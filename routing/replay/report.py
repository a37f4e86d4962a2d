"""What a replay comes to: who would have had what, why it differs, how long leads would have waited."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from routing.replay.simulation import ASSIGNED, DISQUALIFIED, QUEUED, UNMATCHED, Decision, Outcome

MOST_SHOWN = 60


@dataclass
class Then:
    """What history made of a lead: its first decision, and when and to whom it was given in the end."""

    at: datetime
    rule: int | None
    outcome: str
    rep: int | None = None
    given_at: datetime | None = None


@dataclass
class Report:
    """Counts of leads, each by its first decision in the period; times in seconds.

    ``same``: to the same person. ``moved``: to another place, whoever gets them there. ``by_rule``: another rule takes
    them, or theirs means other people. ``by_rotation``: the same rule, another turn. ``late``: promises that would be
    expected to break, by when a lead is given and how fast its rep used to be.
    """

    version: int = 0
    since: str = ""
    until: str = ""
    leads: int = 0
    decisions: int = 0
    moved: int = 0
    same: int = 0
    by_rule: int = 0
    by_rotation: int = 0
    unmatched: int = 0
    unmatched_before: int = 0
    waiting: int = 0
    waiting_before: int = 0
    wait_median: float = 0.0
    wait_median_before: float = 0.0
    wait_p90: float = 0.0
    wait_p90_before: float = 0.0
    late: float = 0.0
    late_before: float = 0.0
    furthest: float = 0.0
    furthest_before: float = 0.0
    seconds: float = 0.0
    rules: list[dict[str, Any]] = field(default_factory=list)
    reps: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether every lead went where it had gone."""
        return self.same == self.leads

    def as_json(self) -> dict[str, Any]:
        """For the database and for programs."""
        return asdict(self) | {"is_exact": self.is_exact}


class Tally:
    """Collects while decisions pass."""

    def __init__(self) -> None:
        self.then: dict[int, Then] = {}
        self.now: dict[int, Outcome] = {}
        self.decisions = 0

    def note(self, one: Decision, found: Outcome) -> None:
        """One decision with what the new rules make of it: a lead counts by its first, and by its first taker."""
        self.decisions += 1
        known = self.then.get(one.lead)
        if known is None:
            known = self.then[one.lead] = Then(one.at, one.rule_id, one.outcome)
            self.now[one.lead] = found
        elif self.now[one.lead].kind != ASSIGNED and found.kind == ASSIGNED:
            found.by_rule = found.by_rule or self.now[one.lead].by_rule
            self.now[one.lead] = found
        if known.given_at is None and one.rep_id is not None:
            known.rep, known.given_at, known.outcome = one.rep_id, one.at, one.outcome
        elif known.given_at is None:
            known.outcome = one.outcome


@dataclass(frozen=True)
class Promises:
    """When leads were due, and how long each rep used to take from being given a lead to the first touch, in order."""

    due: Mapping[int, datetime]
    lags: Mapping[int, Sequence[float]]
    all_lags: Sequence[float]

    def chance_late(self, lead: int, rep: int | None, given_at: datetime | None) -> float:
        """How likely the promise would break: certain where it ends before somebody has the lead."""
        due = self.due.get(lead)
        if due is None:
            return 0.0
        if rep is None or given_at is None or given_at >= due:
            return 1.0
        lags = self.lags.get(rep) or ()
        if len(lags) < 10:
            lags = self.all_lags
        left = (due - given_at).total_seconds()
        return 1.0 - bisect_right(lags, left) / len(lags) if lags else 0.0


def report_of(tally: Tally, places: "Places", promises: Promises) -> Report:
    """The whole report but for what the books say."""
    report = Report(leads=len(tally.then), decisions=tally.decisions)
    moves, then_by, now_by = Counter[tuple[str, str]](), Counter[int](), Counter[int]()
    rules_now, rules_then = Counter[int](), Counter[str]()
    waits_then, waits_now = list[float](), list[float]()
    for lead, then in tally.then.items():
        now = tally.now[lead]
        place_then, place_now = places.then(then.rule), places.now(now.rule)
        moves[place_then, place_now] += 1
        rules_now[now.rule] += 1
        rules_then[places.name_then(then.rule)] += 1
        then_by[then.rep or 0] += 1
        now_by[now.rep or 0] += 1
        _compare(report, lead, then, now, place_then, place_now)
        report.late += promises.chance_late(lead, now.rep, now.at) if _is_live(now.kind) else 0.0
        report.late_before += promises.chance_late(lead, then.rep, then.given_at) if _is_live(then.outcome) else 0.0
        if now.at is not None:
            waits_now.append((now.at - then.at).total_seconds())
        if then.given_at is not None:
            waits_then.append((then.given_at - then.at).total_seconds())
    report.wait_median, report.wait_p90 = _quantiles(waits_now)
    report.wait_median_before, report.wait_p90_before = _quantiles(waits_then)
    report.rules = places.rules(rules_now, rules_then)
    report.moved = sum(count for (before, after), count in moves.items() if before != after)
    report.moves = [{"before": a, "after": b, "leads": n} for (a, b), n in sorted(moves.items())]
    report.reps = [
        {"rep": rep, "before": then_by[rep], "after": now_by[rep]} for rep in sorted({*then_by, *now_by} - {0})
    ]
    return report


def _is_live(kind: str) -> bool:
    return kind != DISQUALIFIED


def _compare(report: Report, lead: int, then: Then, now: Outcome, place_then: str, place_now: str) -> None:
    is_unmatched = now.kind == UNMATCHED
    report.unmatched += is_unmatched
    report.unmatched_before += then.rule is None
    report.waiting += now.kind not in (ASSIGNED, DISQUALIFIED, UNMATCHED, QUEUED)
    report.waiting_before += then.given_at is None and then.outcome not in ("disqualified", "unmatched")
    if (now.rep, place_now) == (then.rep, place_then):
        report.same += 1
        return
    by_rule = now.by_rule or place_now != place_then
    report.by_rule += by_rule
    report.by_rotation += not by_rule
    if len(report.changed) < MOST_SHOWN:
        report.changed.append(
            {
                "lead": lead,
                "before": then.rep,
                "after": now.rep,
                "place_before": place_then,
                "place_after": place_now,
                "why": "rule" if by_rule else "rotation",
            }
        )


def _quantiles(values: list[float]) -> tuple[float, float]:
    """Median and 90th percentile; nothing of nothing."""
    if not values:
        return 0.0, 0.0
    values.sort()
    return values[len(values) // 2], values[min(len(values) - 1, int(len(values) * 0.9))]


@dataclass(frozen=True)
class Places:
    """Where rules send their leads, in words that stay the same over versions."""

    old: Mapping[int, tuple[str, str]]
    own: Sequence[tuple[int, str, str]]
    unmatched: str

    def then(self, rule_id: int | None) -> str:
        """Where it went."""
        return self.old[rule_id][1] if rule_id is not None and rule_id in self.old else self.unmatched

    def name_then(self, rule_id: int | None) -> str:
        """The name of the rule that decided."""
        return self.old[rule_id][0] if rule_id is not None and rule_id in self.old else ""

    def now(self, place: int) -> str:
        """Where it would go."""
        return self.own[place][2] if place >= 0 else self.unmatched

    def rules(self, now: Counter[int], then: Counter[str]) -> list[dict[str, Any]]:
        """Each rule with what it would take and what the one of its name took."""
        return [
            {"position": position, "name": name, "destination": to, "leads": now[place], "before": then[name]}
            for place, (position, name, to) in enumerate(self.own)
        ]


def furthest(balances: Mapping[int, Mapping[int, int]]) -> float:
    """The largest distance of anybody from their fair share, in leads."""
    found: defaultdict[int, float] = defaultdict(float)
    for pool, of_pool in balances.items():
        found[pool] = max((abs(amount) / 1_000_000 for amount in of_pool.values()), default=0.0)
    return max(found.values(), default=0.0)
