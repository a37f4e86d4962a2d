"""A framework of one's own: written as a whole, in place where no answer changes its meaning, else as a new version."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.conditions import parse
from leads.facts import fact_named
from qualification.models import Answer, Criteria, Framework, Question, Segment
from qualification.services.criteria_drafts import put_into_force
from qualification.services.versions import next_version
from qualification.share_facts import NAME as SHARE_NAME

MOST_QUESTIONS = 30
HEAVIEST = 10
FIELDS = (
    "label_en", "label_de", "ask_en", "ask_de", "kind", "options", "shortcut", "is_required", "valid_days",
    "known_from", "weight", "segment",
)  # fmt: skip
# What an answer was given to: changed, it is another question.
MEANING = ("kind", "options", "is_required", "weight", "condition")

CARRY_OVER = """
    INSERT INTO qualification_answer
           (lead_id, question_id, value, is_met, evidence, quote, confidence, at, by_id, superseded_at)
    SELECT answer.lead_id, fresh.id, answer.value, answer.is_met, answer.evidence, answer.quote, answer.confidence,
           answer.at, answer.by_id, NULL
      FROM qualification_answer AS answer
      JOIN qualification_question AS old ON old.id = answer.question_id AND old.framework_id = %s
      JOIN qualification_question AS fresh ON fresh.framework_id = %s AND fresh.key = old.key AND fresh.kind = old.kind
      JOIN leads_lead AS lead ON lead.id = answer.lead_id AND lead.stage IN ('new', 'mql', 'sql')
     WHERE answer.superseded_at IS NULL
"""


@dataclass(frozen=True)
class QuestionData:
    """What is said of one question; ``pk`` of one that is there already."""

    label_en: str
    label_de: str = ""
    ask_en: str = ""
    ask_de: str = ""
    kind: str = Question.Kind.TEXT
    options: list[str] = field(default_factory=list)
    shortcut: str = ""
    is_required: bool = True
    valid_days: int | None = None
    known_from: str = ""
    weight: int = 1
    segment: Segment | None = None
    pk: int | None = None
    # What its answers are found by; without one a new question gets one from its label.
    key: str = ""


def as_data(question: Question) -> QuestionData:
    """What is said of a question that is there."""
    return QuestionData(**{name: getattr(question, name) for name in FIELDS}, pk=question.pk)


def save_framework(slug: str, name: str, questions: Sequence[QuestionData]) -> Framework:
    """Write a framework; without ``slug`` a new one.

    Wording, keys and how long answers hold change in place. Where questions come, go, mean something else,
    weigh more or less or are asked of others after answers were given, it becomes a new version: old answers keep
    theirs, those of leads that are worked are carried over with their age, and SQL criteria that ask for it ask for the
    new version from now on. Raises InvalidInput naming each field, or ``questions-N`` for a question, to mend.
    """
    _check(name, questions)
    with transaction.atomic():
        if not slug:
            return _make(_free_slug(name), name, 1, questions)
        old = Framework.objects.select_for_update().filter(slug=slug, is_active=True).first()
        if old is None:
            raise DomainError(_("This framework is not in use any more."))
        if not Answer.objects.filter(question__framework=old).exists() or not _means_more(old, questions):
            return _write_in_place(old, name, questions)
        old.is_active = False
        old.save(update_fields=["is_active"])
        made = _make(slug, name, next_version(Framework.objects.filter(slug=slug)), questions, _keys_of(old))
        with connection.cursor() as cursor:
            cursor.execute(CARRY_OVER, [old.pk, made.pk])
        _ask_for(old, made)
    return made


def make_framework(slug: str, name: str, questions: Sequence[QuestionData]) -> Framework:
    """A new framework of this short name. Raises InvalidInput as `save_framework` does."""
    _check(name, questions)
    with transaction.atomic():
        return _make(slug, name, next_version(Framework.objects.filter(slug=slug)), questions)


def _check(name: str, questions: Sequence[QuestionData]) -> None:
    wrong = {}
    if not name.strip():
        wrong["name"] = _("Give the framework a name.")
    if not questions:
        wrong["questions"] = _("Ask at least one question.")
    elif len(questions) > MOST_QUESTIONS:
        wrong["questions"] = _("At most %(most)s questions.") % {"most": MOST_QUESTIONS}
    shortcuts: set[str] = set()
    for place, one in enumerate(questions):
        if one.kind == Question.Kind.CHOICE and len({option.strip() for option in one.options if option.strip()}) < 2:
            wrong[f"questions-{place}"] = _("A choice needs at least two answers to choose from, one per line.")
        elif one.known_from and fact_named(one.known_from) is None:
            wrong[f"questions-{place}"] = _("There is no fact called %(name)s.") % {"name": one.known_from}
        elif not 0 <= one.weight <= HEAVIEST:
            wrong[f"questions-{place}"] = _("A weight is a number from 0 to %(most)s.") % {"most": HEAVIEST}
        elif one.segment and SHARE_NAME in parse(one.segment.condition).fact_names():
            wrong[f"questions-{place}"] = _("Whom a question is asked of cannot depend on how much was answered.")
        elif one.shortcut and one.shortcut in shortcuts:
            wrong[f"questions-{place}"] = _("Another question has this key.")
        shortcuts.add(one.shortcut)
    if wrong:
        raise InvalidInput(_("The framework is not complete."), fields=wrong)


def _free_slug(name: str) -> str:
    base = slugify(name)[:34] or "framework"
    taken = set(Framework.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(one for number in range(1, 1000) if (one := base if number == 1 else f"{base}-{number}") not in taken)


def _keys_of(framework: Framework) -> dict[int, str]:
    return dict(framework.questions.values_list("pk", "key"))


def _make(
    slug: str, name: str, version: int, questions: Sequence[QuestionData], keys: dict[int, str] | None = None
) -> Framework:
    """A version with its questions; one that was there before keeps its key, by which its answers are found."""
    made = Framework.objects.create(slug=slug, name=name.strip(), version=version)
    used: set[str] = set()
    for place, data in enumerate(questions, 1):
        key = (keys or {}).get(data.pk or 0) or data.key or _free_key(data.label_en, used | set((keys or {}).values()))
        used.add(key)
        Question.objects.create(framework=made, key=key, position=place, **_values(data))
    return made


def _free_key(label: str, used: set[str]) -> str:
    base = slugify(label).replace("-", "_")[:34] or "question"
    return next(one for number in range(1, 1000) if (one := base if number == 1 else f"{base}_{number}") not in used)


def _values(data: QuestionData) -> dict[str, object]:
    options = [option.strip() for option in data.options if option.strip()]
    condition = data.segment.condition if data.segment else {}
    return {name: getattr(data, name) for name in FIELDS} | {"options": options, "condition": condition}


def _means_more(old: Framework, questions: Sequence[QuestionData]) -> bool:
    """Whether answers would change their meaning, or a question comes or goes."""
    known = {question.pk: question for question in old.questions.all()}
    if {data.pk for data in questions} != set(known):
        return True
    return any(_values(data)[name] != getattr(known[data.pk or 0], name) for data in questions for name in MEANING)


def _write_in_place(framework: Framework, name: str, questions: Sequence[QuestionData]) -> Framework:
    framework.name = name.strip()
    framework.save(update_fields=["name"])
    known = {question.pk: question for question in framework.questions.all()}
    for pk, question in known.items():
        if pk not in {data.pk for data in questions}:
            question.delete()
    used = {question.key for question in known.values()}
    for place, data in enumerate(questions, 1):
        row = known.get(data.pk or 0) or Question(framework=framework, key=_free_key(data.label_en, used))
        used.add(row.key)
        row.position = place
        for field_name, value in _values(data).items():
            setattr(row, field_name, value)
        row.save()
    return framework


def _ask_for(old: Framework, made: Framework) -> None:
    """SQL criteria in force that ask for the old version ask for the new one, as a version of their own."""
    criteria = Criteria.objects.filter(kind=Criteria.Kind.SQL, status=Criteria.Status.PUBLISHED, framework=old).first()
    if criteria is None:
        return
    Criteria.objects.filter(kind=criteria.kind, status=Criteria.Status.DRAFT, framework=old).update(framework=made)
    following = Criteria.objects.create(
        kind=criteria.kind,
        version=next_version(Criteria.objects.filter(kind=criteria.kind)),
        name=criteria.name,
        condition=criteria.condition,
        framework=made,
    )
    put_into_force(following.pk)
