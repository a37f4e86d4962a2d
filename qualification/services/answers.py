"""Answers to qualification questions: given with evidence, superseded, withdrawn; none is ever lost."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leads.events import record_event
from leads.models import Lead, User
from qualification.models import Answer, Question

LONGEST = 5000


class AnswerGone(DomainError):
    """The answer no longer counts."""

    code = "answer_gone"


def give_answer(
    lead_id: int,
    question_id: int,
    value: str,
    *,
    by: User | None,
    evidence: str = Answer.Evidence.NONE,
    quote: str = "",
    confidence: int = 3,
    is_met: bool = True,
    at: datetime | None = None,
) -> Answer:
    """Answer a question about a lead; what was answered before is superseded and stays on record.

    Of two people who answer at once the second supersedes the first. Raises InvalidInput naming the field.
    """
    at = at or now()
    question = Question.objects.select_related("framework").filter(pk=question_id).first()
    if question is None:
        raise InvalidInput(_("There is no such question."), fields={"question": _("Choose a question.")})
    value = read_value(question, value)
    _check(evidence, quote, confidence)
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        Answer.objects.filter(lead=lead, question=question, superseded_at__isnull=True).update(superseded_at=at)
        answer = Answer.objects.create(
            lead=lead,
            question=question,
            value=value,
            is_met=is_met,
            evidence=evidence,
            quote=quote.strip(),
            confidence=confidence,
            at=at,
            by=by,
        )
        record_event(
            lead,
            "answer.given",
            at=at,
            actor=by,
            by="" if by else "qualification",
            data={"question": question.key, "answer": answer.pk, "is_met": is_met, "evidence": evidence},
        )
    return answer


def withdraw_answer(answer_id: int, *, by: User | None, at: datetime | None = None) -> Answer | None:
    """Take an answer back: the one it superseded counts again and is returned. AnswerGone: it counts no more."""
    at = at or now()
    lead_id = Answer.objects.values_list("lead", flat=True).get(pk=answer_id)
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        answer = Answer.objects.select_related("question").get(pk=answer_id)
        if answer.superseded_at is not None:
            raise AnswerGone(_("Somebody has answered this question again meanwhile; that answer stays."))
        answer.superseded_at = at
        answer.save(update_fields=["superseded_at"])
        before = (
            Answer.objects.filter(lead=lead, question=answer.question_id, superseded_at=answer.at, pk__lt=answer.pk)
            .order_by("-pk")
            .first()
        )
        if before is not None:
            before.superseded_at = None
            before.save(update_fields=["superseded_at"])
        record_event(
            lead,
            "answer.withdrawn",
            at=at,
            actor=by,
            by="" if by else "qualification",
            data={"question": answer.question.key, "answer": answer.pk},
        )
    return before


def read_value(question: Question, value: str) -> str:
    """The answer as stored; raises InvalidInput where it is empty or not of the question's kind."""
    text = value.strip().replace("\x00", "")
    if not text:
        _refuse(_("Write an answer."))
    if len(text) > LONGEST:
        _refuse(_("Write at most %(most)s characters.") % {"most": LONGEST})
    if question.kind == Question.Kind.CHOICE:
        return _choice(question, text)
    if question.kind == Question.Kind.NUMBER:
        return _number(text)
    if question.kind == Question.Kind.DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            _refuse(_("Write a date such as 2026-11-23."))
    return text


def _refuse(remedy: str) -> NoReturn:
    raise InvalidInput(_("This answer cannot be taken: %(remedy)s") % {"remedy": remedy}, fields={"value": remedy})


def _choice(question: Question, text: str) -> str:
    options = [str(option) for option in question.options]
    chosen = next((option for option in options if option.lower() == text.lower()), None)
    if chosen is None:
        _refuse(_("Choose one of %(options)s.") % {"options": ", ".join(options)})
    return chosen


def _number(text: str) -> str:
    """A number as people write it: 31000, 31,000.50 or 31.000,50; the last sign that could be a decimal one counts."""
    plain = text.replace(" ", "").replace("\u00a0", "").replace("'", "")
    comma, dot = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and dot >= 0:
        plain = plain.replace("," if dot > comma else ".", "").replace(",", ".")
    elif comma >= 0 or dot >= 0:
        sign = "," if comma >= 0 else "."
        groups = plain.lstrip("-").split(sign)
        is_grouped = len(groups[0]) <= 3 and groups[0] != "0" and all(len(group) == 3 for group in groups[1:])
        plain = plain.replace(sign, "" if is_grouped else ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        _refuse(_("Write a number."))
    return format(number.normalize(), "f")


def _check(evidence: str, quote: str, confidence: int) -> None:
    fields = {}
    if evidence not in Answer.Evidence.values:
        fields["evidence"] = _("Choose where the answer comes from.")
    if len(quote) > LONGEST:
        fields["quote"] = _("Write at most %(most)s characters.") % {"most": LONGEST}
    if not 1 <= confidence <= 5:
        fields["confidence"] = _("Write a number from 1 to 5.")
    if fields:
        raise InvalidInput(_("This answer cannot be taken."), fields=fields)
