"""What another model would make of last month's leads: the facts as they were at their last score, judged twice."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.models import Lead, LeadEvent, Touchpoint
from qualification.models import Score
from qualification.scoring import Model, Result, Signal, score

DAYS = 30
MOST_LEADS = 600
STEP = 10


@dataclass(frozen=True)
class Judged:
    """One lead by both models."""

    lead_id: int
    before: Result | None
    after: Result


@dataclass(frozen=True)
class Comparison:
    """Many leads by both models; ``is_sample``: there were more than were looked at."""

    judged: Sequence[Judged]
    is_sample: bool

    @property
    def changed(self) -> list[Judged]:
        """Those that get another grade."""
        return [one for one in self.judged if one.before is not None and one.before.grade != one.after.grade]

    def grades(self, *, after: bool) -> Counter[str]:
        """How many have each grade."""
        results = (one.after if after else one.before for one in self.judged)
        return Counter(result.grade for result in results if result is not None)

    def course(self, part: str, *, after: bool) -> list[int]:
        """How many have 0–9, 10–19, … points of a part; 100 counts with the 90s."""
        found = [0] * (100 // STEP)
        for one in self.judged:
            result = one.after if after else one.before
            if result is not None:
                points = result.fit if part == "fit" else result.engagement
                found[min(points // STEP, len(found) - 1)] += 1
        return found


def compare(before: Model | None, after: Model, at: datetime) -> Comparison:
    """Both models on the newest leads of the last month."""
    recent = Lead.objects.filter(captured_at__gte=at - timedelta(days=DAYS), captured_at__lte=at, is_history=False)
    ids = list(recent.order_by("-captured_at", "-pk").values_list("pk", flat=True)[: MOST_LEADS + 1])
    chosen = ids[:MOST_LEADS]
    newest = Score.objects.filter(lead__in=chosen).order_by("lead", "-at", "-pk").distinct("lead")
    kinds = after.event_kinds | (before.event_kinds if before else set())
    touches, events = _touches(chosen), _events(chosen, kinds)
    judged = [
        Judged(
            row.lead_id,
            score(row.facts, touches[row.lead_id], events[row.lead_id], before, row.at) if before else None,
            score(row.facts, touches[row.lead_id], events[row.lead_id], after, row.at),
        )
        for row in newest.only("lead_id", "facts", "at")
    ]
    return Comparison(judged, len(ids) > MOST_LEADS)


def _touches(ids: Sequence[int]) -> Mapping[int, list[Signal]]:
    found: dict[int, list[Signal]] = defaultdict(list)
    rows = Touchpoint.objects.filter(lead__in=ids).order_by("-at", "-pk")
    for lead_id, kind, at, subject in rows.values_list("lead", "kind", "at", "subject"):
        found[lead_id].append(Signal(kind, at, subject))
    return found


def _events(ids: Sequence[int], kinds: set[str]) -> Mapping[int, list[Signal]]:
    found: dict[int, list[Signal]] = defaultdict(list)
    if kinds:
        rows = LeadEvent.objects.filter(lead__in=ids, kind__in=kinds).order_by("-at")
        for lead_id, kind, at in rows.values_list("lead", "kind", "at"):
            found[lead_id].append(Signal(kind, at))
    return found
