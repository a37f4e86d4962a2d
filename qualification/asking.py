"""Which questions a lead is asked: those for everybody, and those of segments that it belongs to."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q

from leads.conditions import parse
from leads.configuration import Kept
from leads.models import Lead
from qualification.models import Question


def _load_questions() -> dict[int, list[Question]]:
    found: dict[int, list[Question]] = {}
    for question in Question.objects.order_by("position", "pk"):
        found.setdefault(question.framework_id, []).append(question)
    return found


_questions = Kept(_load_questions, "qualification_question")


def questions_of(framework_id: int | None) -> list[Question]:
    """A framework's questions in their order, without a query while nobody changes them; read only."""
    return _questions().get(framework_id or 0, [])


def belongs(question: Question, at: datetime) -> Q:
    """Whether a question is asked of a lead, as a filter over leads."""
    return parse(question.condition).to_q(at)


def asked_of(lead_ids: Collection[int], questions: Iterable[Question], at: datetime) -> dict[int, set[int]]:
    """Which of these questions each lead is asked: lead → questions. One query per segment, none without any."""
    everybody, of_segments = set(), dict[str, list[Question]]()
    for question in questions:
        if question.condition:
            of_segments.setdefault(json.dumps(question.condition, sort_keys=True), []).append(question)
        else:
            everybody.add(question.pk)
    found = {lead_id: set(everybody) for lead_id in lead_ids}
    for alike in of_segments.values():
        rows = Lead.objects.filter(belongs(alike[0], at), pk__in=lead_ids)
        for lead_id in rows.values_list("pk", flat=True):
            found[lead_id].update(one.pk for one in alike)
    return found


def asked_of_lead(lead: Lead, questions: Iterable[Question], at: datetime) -> list[Question]:
    """Those of these questions that one lead is asked, in their order."""
    offered = list(questions)
    asked = asked_of([lead.pk], offered, at)[lead.pk]
    return [question for question in offered if question.pk in asked]
