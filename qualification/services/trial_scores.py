"""What another model would make of last month's leads: the facts as they were at their last score, judged twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.models import Lead
from qualification.models import Score
from qualification.scoring import Model, Result, score
from qualification.services.score import signals_of

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
    return compare_leads(chosen, before, after, is_sample=len(ids) > MOST_LEADS)


def compare_leads(
    lead_ids: Sequence[int], before: Model | None, after: Model, *, is_sample: bool = False
) -> Comparison:
    """Both models on these leads, as they were at their last score."""
    newest = Score.objects.filter(lead__in=lead_ids).order_by("lead", "-at", "-pk").distinct("lead")
    kinds = after.event_kinds | (before.event_kinds if before else set())
    signals = signals_of(lead_ids, kinds)
    known = dict(newest.known())
    judged = [
        Judged(
            row.lead_id,
            score(known[row.pk], *signals[row.lead_id], before, row.at) if before else None,
            score(known[row.pk], *signals[row.lead_id], after, row.at),
        )
        for row in newest.only("lead_id", "at")
    ]
    return Comparison(judged, is_sample)
