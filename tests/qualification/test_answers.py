"""Answers: given, superseded, withdrawn, never lost."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from leadmgmt.core.errors import InvalidInput
from leads.models import Lead, LeadEvent
from qualification.models import Answer, Framework, Question
from qualification.services.answers import AnswerGone, give_answer, read_value, withdraw_answer
from tests.factories import make_lead, make_user

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def make_question(kind: str = "text", **fields: Any) -> Question:
    framework, _ = Framework.objects.get_or_create(slug="bant", defaults={"name": "BANT"})
    return Question.objects.create(
        **{"framework": framework, "key": f"q{Question.objects.count()}", "label_en": "Q", "kind": kind, **fields}
    )


def current(lead: Lead) -> list[str]:
    return list(lead.answers.filter(superseded_at__isnull=True).values_list("value", flat=True))


def test_an_answer_keeps_its_evidence_and_is_told() -> None:
    lead, question, ann = make_lead(), make_question(key="budget"), make_user("sdr")

    given = give_answer(
        lead.pk,
        question.pk,
        " € 31,000 ",
        by=ann,
        evidence="call",
        quote="We have 31,000 for next year",
        confidence=4,
        is_met=True,
        at=AT,
    )

    given.refresh_from_db()
    assert (given.value, given.evidence, given.quote, given.confidence, given.at, given.by) == (
        "€ 31,000",
        "call",
        "We have 31,000 for next year",
        4,
        AT,
        ann,
    )
    event = LeadEvent.objects.get(lead=lead)
    assert (event.kind, event.actor, event.at, event.needs_step) == ("answer.given", ann, AT, True)
    assert event.data == {"question": "budget", "answer": given.pk, "is_met": True, "evidence": "call"}


def test_a_new_answer_supersedes_the_old_one_which_stays() -> None:
    lead, question = make_lead(), make_question()

    give_answer(lead.pk, question.pk, "first", by=None, at=AT)
    give_answer(lead.pk, question.pk, "second", by=None, at=AT + timedelta(minutes=1))

    assert current(lead) == ["second"]
    first = Answer.objects.get(value="first")
    assert first.superseded_at == AT + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": "  "}, "value"),
        ({"value": "\x00"}, "value"),
        ({"value": "x" * 5001}, "value"),
        ({"evidence": "rumour"}, "evidence"),
        ({"confidence": 0}, "confidence"),
        ({"confidence": 6}, "confidence"),
        ({"quote": "x" * 5001}, "quote"),
        ({"question_id": 0}, "question"),
    ],
)
def test_what_cannot_be_taken_names_the_field_and_changes_nothing(changes: dict[str, Any], field: str) -> None:
    lead, question = make_lead(), make_question()
    arguments: dict[str, Any] = {"lead_id": lead.pk, "question_id": question.pk, "value": "yes", "by": None} | changes

    with pytest.raises(InvalidInput) as refused:
        give_answer(**arguments)

    assert list(refused.value.fields) == [field]
    assert not Answer.objects.exists()
    assert not LeadEvent.objects.exists()


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("number", "31000", "31000"),
        ("number", "31,000.50", "31000.5"),
        ("number", "31.000,50", "31000.5"),
        ("number", "31.000", "31000"),
        ("number", "1,5", "1.5"),
        ("number", "0,125", "0.125"),
        ("number", "-2", "-2"),
        ("date", "2027-03-01", "2027-03-01"),
        ("choice", "MAYBE", "Maybe"),
        ("text", " a ", "a"),
    ],
)
def test_values_are_read_by_the_kind_of_question(kind: str, text: str, stored: str) -> None:
    assert read_value(Question(kind=kind, options=["Yes", "Maybe"]), text) == stored


@pytest.mark.parametrize(
    ("kind", "text"), [("number", "many"), ("number", "nan"), ("number", "1e400"), ("date", "soon"), ("choice", "No")]
)
def test_values_of_another_kind_are_refused(kind: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        read_value(Question(kind=kind, options=["Yes"]), text)


def test_withdrawing_brings_the_answer_before_back() -> None:
    lead, question = make_lead(), make_question()
    give_answer(lead.pk, question.pk, "first", by=None, at=AT)
    second = give_answer(lead.pk, question.pk, "second", by=None, at=AT + timedelta(minutes=1))

    before = withdraw_answer(second.pk, by=None)

    assert before is not None
    assert before.value == "first"
    assert current(lead) == ["first"]
    assert Answer.objects.count() == 2
    assert lead.events.filter(kind="answer.withdrawn").count() == 1
    assert withdraw_answer(before.pk, by=None) is None
    assert current(lead) == []


def test_an_answer_that_was_superseded_cannot_be_withdrawn() -> None:
    lead, question = make_lead(), make_question()
    first = give_answer(lead.pk, question.pk, "first", by=None, at=AT)
    give_answer(lead.pk, question.pk, "second", by=None, at=AT + timedelta(minutes=1))

    with pytest.raises(AnswerGone):
        withdraw_answer(first.pk, by=None)

    assert current(lead) == ["second"]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_answer_at_once_one_counts_and_none_is_lost() -> None:
    lead, question = make_lead(), make_question()
    errors: list[Exception] = []

    def give(number: int) -> None:
        try:
            give_answer(lead.pk, question.pk, f"answer {number}", by=None)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=give, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert errors == []
    assert Answer.objects.filter(lead=lead).count() == 12
    assert len(current(lead)) == 1
    assert lead.events.filter(kind="answer.given").count() == 12
