"""What makes a lead an MQL or an SQL: applied by the pipeline, explained to people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads import lifecycle
from leads.conditions import parse
from leads.configuration import Kept
from leads.facts import lead_facts
from leads.lifecycle import Cause
from leads.models import Lead, LeadEvent, Stage
from qualification.asking import asked_of_lead, questions_of
from qualification.models import Answer, Criteria, Question

BY = "criteria"


@dataclass(frozen=True)
class MissingItem:
    """One thing between a lead and SQL: an open question with how to ask it, or a comparison that does not hold."""

    question: Question | None
    answer: Answer | None
    why: str
    ask: str


@dataclass(frozen=True)
class Explanation:
    """Whether criteria are met, in words and comparison by comparison."""

    criteria: Criteria
    holds: bool
    sentence: str
    trace: list[dict[str, Any]]


def _load_published() -> dict[str, Criteria]:
    rows = Criteria.objects.filter(status=Criteria.Status.PUBLISHED).select_related("framework").order_by("-pk")
    return {row.kind: row for row in rows}


_published = Kept(_load_published, "qualification_criteria", "qualification_framework")


def published(kind: str) -> Criteria | None:
    """The criteria in force."""
    return _published().get(kind)


def questions_in_force() -> list[Question]:
    """Those of the framework that the SQL criteria in force ask for; none without any."""
    criteria = published(Criteria.Kind.SQL)
    return questions_of(criteria.framework_id) if criteria else []


def apply_mql_criteria(lead: Lead, event: LeadEvent | None) -> None:
    """Pipeline step: a new lead that meets the criteria becomes an MQL."""
    criteria = published(Criteria.Kind.MQL)
    if lead.stage != Stage.NEW or criteria is None:
        return
    at = now()
    if parse(criteria.condition).holds(lead_facts(lead, at)):
        lifecycle.to_mql(lead, Cause(by=BY, at=at, data=_named(criteria)))


def apply_sql_criteria(lead: Lead, event: LeadEvent | None) -> None:
    """Pipeline step: a lead whose required questions are answered in our favour becomes an SQL.

    One that came back is asked again first: what was true before a lost deal or a long sleep may hold no longer, and
    an AE is owed somebody who has just spoken with one of us. One answer given anew is enough, the others then count.
    """
    criteria = published(Criteria.Kind.SQL)
    if lead.stage not in (Stage.NEW, Stage.MQL) or criteria is None or not criteria.framework_id:
        return
    at = now()
    needed = _needed(lead, criteria, at)
    if _has_open_questions(lead, needed, at) or not _was_asked(lead, criteria, needed):
        return
    if not parse(criteria.condition).holds(lead_facts(lead, at)):
        return
    # Which segments it was in is known only now; the audit asks for these answers.
    asked = {"asked": [question.pk for question in needed if question.condition]}
    cause = Cause(by=BY, at=at, data=_named(criteria) | asked)
    if lead.stage == Stage.NEW:
        lifecycle.to_mql(lead, cause)
    lifecycle.to_sql(lead, cause)


def _named(criteria: Criteria) -> dict[str, Any]:
    return {"criteria": criteria.pk, "criteria_kind": criteria.kind, "version": criteria.version}


def current_answers(lead: Lead) -> dict[int, Answer]:
    """The answers that count, by question."""
    rows = Answer.objects.filter(lead=lead, superseded_at__isnull=True).select_related("question", "by")
    return {row.question_id: row for row in rows}


def _needed(lead: Lead, criteria: Criteria, at: datetime) -> list[Question]:
    """The questions that this lead needs an answer to for SQL."""
    required = [question for question in questions_of(criteria.framework_id) if question.is_required]
    return asked_of_lead(lead, required, at)


def _has_open_questions(lead: Lead, needed: list[Question], at: datetime) -> bool:
    """Whether `_open_questions` would find one."""
    days = {question.pk: question.valid_days for question in needed}
    met = Answer.objects.filter(lead=lead, superseded_at__isnull=True, is_met=True, question__in=needed)
    held = {one.question_id for one in met.only("question", "at") if not one.is_stale(days[one.question_id], at)}
    return len(held) < len(needed)


def _was_asked(lead: Lead, criteria: Criteria, needed: list[Question]) -> bool:
    """Whether an answer was given since this interest began: one that is needed, or any where none is needed of it."""
    counted = needed or questions_of(criteria.framework_id)
    answers = Answer.objects.filter(lead=lead, superseded_at__isnull=True, question__in=counted)
    return not counted or answers.filter(at__gte=lead.asked_since).exists()


def _open_questions(lead: Lead, needed: list[Question], at: datetime) -> list[tuple[Question, Answer | None]]:
    """Those without an answer that speaks for us and still holds."""
    answers = current_answers(lead)
    found = [(one, answers.get(one.pk)) for one in needed]
    return [
        (one, answer) for one, answer in found if not answer or not answer.is_met or answer.is_stale(one.valid_days, at)
    ]


def missing_for_sql(lead: Lead) -> list[MissingItem]:
    """What stands between this lead and SQL, questions first, each with how to ask it. Empty: nothing does."""
    criteria = published(Criteria.Kind.SQL)
    if criteria is None or not criteria.framework_id:
        return []
    at = now()
    needed = _needed(lead, criteria, at)
    items = [
        MissingItem(question, answer, _why_open(question, answer), question.ask)
        for question, answer in _open_questions(lead, needed, at)
    ]
    if not items and not _was_asked(lead, criteria, needed):
        items.append(MissingItem(None, None, _why_again(lead), _("Ask whether they still hold.")))
    condition = parse(criteria.condition)
    if not condition.holds(lead_facts(lead, at)):
        language = get_language() or "en"
        items.append(
            MissingItem(None, None, _("It must hold that %(what)s.") % {"what": condition.sentence(language)}, "")
        )
    return items


def _why_again(lead: Lead) -> str:
    if lead.is_sent_back and lead.reason is not None:
        return _("The AE gave it back: %(reason)s.") % {"reason": formats.inside(lead.reason.label)}
    return _("The answers are from before the lead came back.")


def _why_open(question: Question, answer: Answer | None) -> str:
    words = {"question": question.label}
    if answer is None:
        return _("%(question)s is not known.") % words
    if answer.is_met:
        return _("%(question)s was answered too long ago.") % words
    return _("%(question)s speaks against us.") % words


def explain_criteria(lead: Lead, kind: str) -> Explanation | None:
    """How the criteria in force judge this lead now; None if there are none."""
    criteria = published(kind)
    if criteria is None:
        return None
    at = now()
    condition, facts = parse(criteria.condition), lead_facts(lead, at)
    holds = condition.holds(facts)
    if kind == Criteria.Kind.SQL and criteria.framework_id:
        needed = _needed(lead, criteria, at)
        holds = holds and not _open_questions(lead, needed, at) and _was_asked(lead, criteria, needed)
    return Explanation(criteria, holds, condition.sentence(get_language() or "en"), condition.trace(facts))


def publish_criteria(criteria_id: int) -> Criteria:
    """Put a draft into force and archive what it replaces. Raises InvalidInput for what could never work."""
    with transaction.atomic():
        chosen = Criteria.objects.get(pk=criteria_id)
        rows = Criteria.objects.select_for_update().filter(kind=chosen.kind).order_by("pk")
        for row in rows:
            if row.status == Criteria.Status.PUBLISHED and row.pk != criteria_id:
                row.status = Criteria.Status.ARCHIVED
                row.save(update_fields=["status"])
        chosen.refresh_from_db()
        parse(chosen.condition)
        if chosen.kind == Criteria.Kind.SQL and chosen.framework is None:
            raise InvalidInput(
                _("SQL criteria need a framework whose questions must be answered."),
                fields={"framework": _("Choose a framework.")},
            )
        chosen.status, chosen.published_at = Criteria.Status.PUBLISHED, now()
        chosen.save(update_fields=["status", "published_at"])
    return chosen
