"""What a model learns from: leads as they were when their chance was predicted, and what became of them.

A lead's interest begins with its first score. It is looked at there, and again a week and a month later if it is
still open then (landmarks; H. C. van Houwelingen, "Dynamic prediction by landmarking in event history analysis",
Scandinavian Journal of Statistics 34, 2007), each time with the facts that were kept with the score of that moment:
what was written later cannot reach back. History that was brought in has no scores; there the facts are those that
were kept with the outcome, which the guard watches most closely.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from leads.facts import NOW, facts_of, listed_facts
from leads.models import Lead
from qualification.models import Outcome, PredictionFact, Score
from qualification.prediction.censoring import Watched, horizon_of, judge
from qualification.prediction.looked_at import is_looked_at

# The newest outcomes: the business changes, and memory is finite.
MOST_OUTCOMES = 12_000
MOST_OPEN = 12_000
# Less teaches nothing that holds.
LEAST_WINS = 40
LEAST_OTHERS = 40
LANDMARKS = (0, 7, 30)
# How many closed leads the guard compares with what is known of them now.
MOST_COMPARED = 3_000
AT_ONCE = 500
AGE = "lead.age_days"
GRADE = "score.grade"
# What may be written by our people or the CRM after the end.
WATCHED = ("attributes.", "contact.", "company.")

ENDED = """
    WITH ended AS (
        SELECT id, lead_id, kind, at, lag(at) OVER (PARTITION BY lead_id ORDER BY at, id) AS before
          FROM qualification_outcome
    ), newest AS (SELECT * FROM ended ORDER BY at DESC, id DESC LIMIT %s)
    SELECT newest.id, newest.lead_id, newest.kind, newest.at, newest.before, score.id, score.at
      FROM newest LEFT JOIN LATERAL (
        SELECT id, at FROM qualification_score
         WHERE lead_id = newest.lead_id AND at <= newest.at AND (newest.before IS NULL OR at > newest.before)
         ORDER BY at, id LIMIT 1) AS score ON TRUE
     ORDER BY newest.at, newest.id
"""
OPEN = """
    SELECT lead.id, score.id, score.at
      FROM leads_lead AS lead CROSS JOIN LATERAL (
        SELECT id, at FROM qualification_score
         WHERE lead_id = lead.id AND at > coalesce(
             (SELECT max(at) FROM qualification_outcome WHERE lead_id = lead.id), '-infinity')
         ORDER BY at, id LIMIT 1) AS score
     WHERE lead.stage IN ('new', 'mql', 'sql', 'opportunity')
     ORDER BY score.at DESC LIMIT %s
"""
# The score that stood so many days after the first, for leads that were still open then.
LATER = """
    SELECT asked.place, score.id, score.at
      FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS asked(place, lead_id, since, until)
     CROSS JOIN LATERAL (
        SELECT id, at FROM qualification_score
         WHERE lead_id = asked.lead_id AND at > asked.since AND at <= asked.until
         ORDER BY at DESC, id DESC LIMIT 1) AS score
"""


@dataclass(frozen=True)
class Moment:
    """One prediction that was, or could have been, made: by which facts, when, and how the lead went on from there."""

    lead_id: int
    at: datetime
    watched: Watched
    score_id: int | None
    outcome_id: int | None = None
    is_first: bool = True


@dataclass(frozen=True)
class Row:
    """One example: facts at the moment of prediction, the answer and its weight."""

    lead_id: int
    at: datetime
    facts: Mapping[str, Any]
    is_won: bool
    weight: float
    is_first: bool = True


@dataclass(frozen=True)
class TrainingData:
    """All examples, what facts there are with their kinds, and pairs of facts for the guard: at the end, and now."""

    rows: list[Row]
    kinds: dict[str, str]
    horizon: int
    leads: int
    wins: int
    others: int
    at_the_end: list[dict[str, Any]] = field(default_factory=list)
    since_then: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Counted:
    """How many leads there are to learn from."""

    wins: int
    others: int

    @property
    def is_enough(self) -> bool:
        """Whether a version can be trained."""
        return self.wins >= LEAST_WINS and self.others >= LEAST_OTHERS


def count_outcomes() -> Counted:
    """Wins and other ends among the newest outcomes that a model would learn from."""
    newest = Outcome.objects.order_by("-at", "-pk").values("pk")[:MOST_OUTCOMES]
    is_won = Q(kind=Outcome.Kind.WON)
    counts = Outcome.objects.filter(pk__in=newest).aggregate(
        wins=Count("pk", filter=is_won), others=Count("pk", filter=~is_won)
    )
    return Counted(counts["wins"], counts["others"])


def gather(at: datetime) -> TrainingData:
    """Everything there is to learn from at this moment."""
    first = _ended()
    moments = [*first, *_landmarks(first), *_still_open(at)]
    horizon = horizon_of([one.watched for one in moments])
    judged = judge([one.watched for one in moments], horizon)
    counts = [(moment, verdict) for moment, verdict in zip(moments, judged, strict=True) if verdict.weight > 0]
    facts = facts_at([moment for moment, _verdict in counts])
    rows = [
        Row(moment.lead_id, moment.at, known, verdict.is_won, verdict.weight, moment.is_first)
        for (moment, verdict), known in zip(counts, facts, strict=True)
        if known
    ]
    before, since = _compared(at)
    kinds = _kinds([*(row.facts for row in rows), *since])
    won = {row.lead_id for row in rows if row.is_won}
    leads = {row.lead_id for row in rows}
    return TrainingData(rows, kinds, horizon, len(leads), len(won), len(leads - won), before, since)


def first_moments(since: datetime, at: datetime) -> list[Moment]:
    """The first scores given after ``since``, in their order, with how those leads went on."""
    return sorted(
        (one for one in [*_ended(), *_still_open(at)] if one.score_id and one.at > since), key=lambda one: one.at
    )


def _ended() -> list[Moment]:
    """The first moments of leads whose interest has ended."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(ENDED, [MOST_OUTCOMES])
        for outcome_id, lead_id, kind, end, before, score_id, begin in cursor.fetchall():
            ending = "won" if kind == Outcome.Kind.WON else "lost"
            if score_id is not None:
                found.append(Moment(lead_id, begin, Watched(_days(begin, end), ending), score_id))
            elif before is None:
                # Brought in as history: when it began is known with the outcome.
                found.append(Moment(lead_id, end, Watched(0.0, ending), None, outcome_id))
    return _of_history(found)


def _landmarks(first: Sequence[Moment]) -> Iterator[Moment]:
    """The same leads again a week and a month later, where they were still open then."""
    asked = [
        (one, one.at + timedelta(days=day))
        for one in first
        if one.score_id is not None
        for day in LANDMARKS[1:]
        if one.watched.days > day
    ]
    if not asked:
        return
    columns = [(place, one.lead_id, one.at, until) for place, (one, until) in enumerate(asked)]
    with connection.cursor() as cursor:
        cursor.execute(LATER, [list(column) for column in zip(*columns, strict=True)])
        rows = cursor.fetchall()
    seen = set()
    for place, score_id, at in sorted(rows):
        one = asked[place][0]
        if score_id not in seen:
            seen.add(score_id)
            left = Watched(one.watched.days - _days(one.at, at), one.watched.ending)
            yield Moment(one.lead_id, at, left, score_id, is_first=False)


def _of_history(moments: Sequence[Moment]) -> list[Moment]:
    """Moments with their beginning read from the outcome where there is no score; those without facts are left out."""
    pks = [moment.outcome_id for moment in moments if moment.outcome_id is not None]
    began = dict(Outcome.objects.filter(pk__in=pks, facts_at__isnull=False).values_list("pk", "facts_at"))
    found = []
    for moment in moments:
        if moment.outcome_id is None:
            found.append(moment)
        elif begin := began.get(moment.outcome_id):
            watched = Watched(max(0.0, _days(begin, moment.at)), moment.watched.ending)
            found.append(Moment(moment.lead_id, begin, watched, None, moment.outcome_id))
    return found


def _still_open(at: datetime) -> list[Moment]:
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [MOST_OPEN])
        rows = cursor.fetchall()
    return [Moment(lead_id, begin, Watched(_days(begin, at), ""), score_id) for lead_id, score_id, begin in rows]


def _days(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds() / 86_400


def facts_at(moments: Sequence[Moment]) -> list[dict[str, Any]]:
    """The facts of each moment, without those that are never looked at."""
    of_scores = _read(Score.objects.filter(pk__in=[one.score_id for one in moments if one.score_id]).known())
    outcomes = Outcome.objects.filter(pk__in=[one.outcome_id for one in moments if one.outcome_id])
    of_outcomes = _read(outcomes.values_list("pk", "facts").iterator(AT_ONCE))
    found = []
    for moment in moments:
        if moment.outcome_id is None:
            found.append(of_scores.get(moment.score_id or 0, {}))
            continue
        known = of_outcomes.get(moment.outcome_id, {})
        # Ages were measured at the end, which would tell how long it took.
        found.append(known | {NOW: moment.at.isoformat(), AGE: 0} if known else {})
    return found


def _read(rows: Iterable[tuple[int, dict[str, Any]]]) -> dict[int, dict[str, Any]]:
    return {
        pk: {name: value for name, value in facts.items() if _is_kept(name) and value not in (None, "")}
        for pk, facts in rows
    }


def _is_kept(name: str) -> bool:
    return name in (NOW, GRADE) or is_looked_at(name)


def _kinds(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The facts that may be looked at, with their kinds; those of forms and files are whatever they turn out to be."""
    found: dict[str, str] = {fact.name: fact.kind for fact in listed_facts() if is_looked_at(fact.name)}
    for row in rows:
        for name in row:
            if name.startswith("attributes."):
                found[name] = "any"
    said = dict(PredictionFact.objects.values_list("fact", "choice"))
    return {name: kind for name, kind in found.items() if said.get(name) != PredictionFact.Choice.LEAVE_OUT}


def _compared(at: datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Facts at the end and now, of closed leads that have not been heard of since: what has changed there was written
    by somebody else."""
    newest = Outcome.objects.exclude(facts={}).order_by("lead", "-at", "-pk").distinct("lead")
    closed = dict(newest.values_list("lead", "pk"))
    quiet = Lead.objects.filter(stage__in=["won", "disqualified", "recycled"]).order_by("-pk")
    touched = dict(quiet.filter(pk__in=closed).values_list("pk", "last_touch_at")[:MOST_COMPARED])
    kept = Outcome.objects.filter(pk__in=[closed[lead] for lead in touched])
    before, since = [], []
    rows = {lead: facts for lead, end, facts in kept.values_list("lead", "at", "facts") if touched[lead] <= end}
    leads = sorted(rows)
    for place in range(0, len(leads), AT_ONCE):
        chunk = leads[place : place + AT_ONCE]
        now_known = facts_of(chunk, at)
        before += [_watched(rows[lead]) for lead in chunk if lead in now_known]
        since += [_watched(now_known[lead]) for lead in chunk if lead in now_known]
    return before, since


def _watched(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name.startswith(WATCHED) and is_looked_at(name)}
