"""Answers marked in what a rep writes: "#budget 20,000 for 2027 #authority the managing director"."""

import re
from datetime import datetime

from leadmgmt.core.errors import InvalidInput
from leads.models import User
from qualification.models import Activity, Answer, Criteria, Question
from qualification.services.answers import give_answer, withdraw_answer

MARK = re.compile(r"(?<![\w#])#(?P<key>[a-zäöüß][\wäöüß-]*)[ :]*", re.IGNORECASE)


def marked_answers(text: str) -> dict[str, str]:
    """What stands behind each mark, up to the next mark or the end of the line; the last word on a key counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        marks = list(MARK.finditer(line))
        ends = [mark.start() for mark in marks[1:]] + [len(line)]
        for mark, end in zip(marks, ends, strict=False):
            value = line[mark.end() : end].strip(" ,;.")
            if value:
                found[mark["key"].lower()] = value
    return found


def withdraw_tags(activity: Activity, *, by: User, at: datetime | None = None) -> None:
    """Take back the answers that this activity's text gave, where they still count: they bear its hour and its kind."""
    given = Answer.objects.filter(lead=activity.lead_id, by=by, at=activity.at, evidence=activity.kind)
    for answer in given.filter(superseded_at__isnull=True, question__key__in=marked_answers(activity.body)):
        withdraw_answer(answer.pk, by=by, at=at)


def answer_tags(activity: Activity, *, by: User, at: datetime | None = None) -> tuple[list[str], list[str]]:
    """Give the answers that an activity's text marks, with the activity as evidence.

    Returns the labels of the questions answered, and what was wrong with marks that could not be taken.
    """
    marked = marked_answers(activity.body)
    if not marked:
        return [], []
    questions = Question.objects.filter(
        key__in=marked,
        framework__criteria__kind=Criteria.Kind.SQL,
        framework__criteria__status=Criteria.Status.PUBLISHED,
    )
    answered, wrong = [], []
    for question in questions:
        try:
            give_answer(
                activity.lead_id,
                question.pk,
                marked[question.key][:2000],
                by=by,
                evidence=activity.kind,
                at=at or activity.at,
            )
            answered.append(question.label)
        except InvalidInput as error:
            wrong.append(f"{question.label}: {error}")
    return answered, wrong
