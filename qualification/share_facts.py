"""How far a lead is qualified, as a fact: ``qualification.share``, in percent of the weight of what it is asked.

A question counts with its weight where its answer speaks for us and still holds. So that criteria can say "an SQL from
70 % up" of a framework whose questions are not all needed.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import NullIf

from leads.facts import Bundle, Fact, Family
from qualification.asking import asked_of, belongs
from qualification.models import Answer, Question
from qualification.services.criteria import questions_in_force

PREFIX, KEY = "qualification", "share"
NAME = f"{PREFIX}.{KEY}"


def share_of(questions: list[Question], held: set[int]) -> int | None:
    """The percentage, cut to whole ones; None where nothing that weighs is asked. ``held`` are the questions with an
    answer that counts."""
    whole = sum(one.weight for one in questions)
    return sum(one.weight for one in questions if one.pk in held) * 100 // whole if whole else None


def holding(at: datetime, valid_days: int | None) -> Q:
    """Answers that speak for us and hold at an instant, given for how many days such an answer holds."""
    q = Q(superseded_at__isnull=True, is_met=True)
    return q if valid_days is None else q & Q(at__gte=at - timedelta(days=valid_days))


def _column(at: datetime) -> Combinable:
    whole: Any = Value(0)
    held: Any = Value(0)
    for question in questions_in_force():
        if question.weight:
            weight = Value(question.weight)
            held_by = Answer.objects.filter(holding(at, question.valid_days), lead=OuterRef("pk"))
            is_met = Exists(held_by.filter(question=question.pk))
            is_asked = belongs(question, at)
            whole = whole + _where(is_asked, weight)
            held = held + _where(is_asked & Q(is_met), weight)
    percent: Combinable = held * 100 / NullIf(whole, Value(0))
    return percent


def _where(condition: Q, weight: Value) -> Case:
    # A filter that says nothing holds for everybody; Case wants one that says something.
    return Case(When(condition or Q(pk__isnull=False), then=weight), default=0, output_field=IntegerField())


def _fact() -> Fact:
    return Fact(NAME, "number", "qualification in percent", "Qualifizierung in Prozent", None, _column)


def _make(key: str) -> Fact | None:
    return _fact() if key == KEY else None


def shares(bundles: list[Bundle], held: dict[int, dict[int, datetime]]) -> dict[int, int | None]:
    """The share of each lead. ``held``: by lead, the questions whose answer speaks for us, with when it was given."""
    questions = questions_in_force()
    if not bundles or not questions:
        return {}
    at = bundles[0].at
    asked = asked_of([bundle.lead.pk for bundle in bundles], questions, at)
    days = {one.pk: timedelta(days=one.valid_days) for one in questions if one.valid_days is not None}
    found = {}
    for lead_id, theirs in asked.items():
        given = held.get(lead_id, {})
        fresh = {pk for pk, then in given.items() if pk not in days or then >= at - days[pk]}
        found[lead_id] = share_of([one for one in questions if one.pk in theirs], fresh)
    return found


# Its values come with the answers, which are read anyway.
SHARE = Family(PREFIX, _make, lambda bundles: {}, lambda: [_fact()])
