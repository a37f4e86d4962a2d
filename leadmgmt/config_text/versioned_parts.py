"""Parts with versions: what is said becomes a version of its own and is put in force, where it differs at all."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from crmsync.models import HandoffRule
from crmsync.services.handoff_rules import add_rule as add_handoff_rule
from leadmgmt.config_text.part import Context, Part, Said, as_json, referred
from leadmgmt.core.errors import InvalidInput
from leads.models import Reason, User
from qualification.models import (
    Cadence,
    Criteria,
    Framework,
    MailTemplate,
    NurtureProgramme,
    ScoringModel,
    Segment,
)
from qualification.scoring import read_model
from qualification.services import cadence_setup, nurture_programmes
from qualification.services.criteria_drafts import begin_criteria, draft_of, put_into_force, save_criteria
from qualification.services.framework_editor import FIELDS as QUESTION
from qualification.services.framework_editor import QuestionData, make_framework, save_framework
from qualification.services.scoring_drafts import begin_draft, publish_draft, scoring_draft
from qualification.services.segments import delete_segment, save_segment
from routing.models import Pool, Rep, Rule, RuleSet, SlaPolicy
from routing.services.draft import RuleData, check, new_draft
from routing.services.publish import publish_rule_set

# What a rule refers to: the field, its model, and by what people call it.
RULE_REFS: dict[str, tuple[Any, str]] = {
    "pool": (Pool, "slug"),
    "rep": (Rep, "user__email"),
    "sla_policy": (SlaPolicy, "name"),
    "fallback_pool": (Pool, "slug"),
    "cover": (Rep, "user__email"),
}
RULE = ("name", "condition", "destination", *RULE_REFS, "reason", "wants", "is_active")
STEP = ("kind", "after_days", "template", "is_automatic", "hint", "segment")
CADENCE = tuple(name for name in cadence_setup.FIELDS if name != "recycle_reason")
PROGRAMME = tuple(name for name in nurture_programmes.FIELDS if name != "sender")
TIMES = ("window_from", "window_to")


def _draft_waits() -> InvalidInput:
    told = _("There is a draft that somebody works on: put it in force, or discard it first.")
    return InvalidInput(told, fields={"draft": told})


def _called(row: Any, by: str) -> Any:
    for name in by.split("__"):
        row = getattr(row, name) if row is not None else None
    return row


def _reason_name(reason: Reason | None) -> str | None:
    """A reason by its kind and code, as in `lost.price`: codes are unique within a kind."""
    return f"{reason.kind}.{reason.code}" if reason is not None else None


def _reason(name: str, value: Any) -> Reason | None:
    if value in (None, ""):
        return None
    kind, _dot, code = str(value).partition(".")
    found = Reason.objects.filter(kind=kind, code=code).first()
    if found is None:
        told = _("There is none called “%(name)s”.") % {"name": value}
        raise InvalidInput(_("Something it refers to is not there."), fields={name: told})
    return found


def _rules() -> list[dict[str, Any]]:
    current = RuleSet.objects.filter(status=RuleSet.Status.PUBLISHED).first()
    if current is None:
        return []
    rows = current.rules.select_related("pool", "rep__user", "reason", "sla_policy", "fallback_pool", "cover__user")
    return [
        {name: as_json(getattr(row, name)) for name in ("name", "condition", "destination", "wants", "is_active")}
        | {name: _called(getattr(row, name), by) for name, (_model, by) in RULE_REFS.items()}
        | {"reason": _reason_name(row.reason)}
        for row in rows.order_by("position")
    ]


def _put_rules(rows: Sequence[Said], context: Context) -> None:
    if [_whole_rule(one) for one in rows] == _rules():
        return
    if RuleSet.objects.filter(status=RuleSet.Status.DRAFT).exists():
        raise _draft_waits()
    draft = new_draft(context.by)
    draft.rules.all().delete()
    for position, said in enumerate(rows, 1):
        whole = _whole_rule(said)
        refs = {f"{name}_id": _pk(whole, name) for name in RULE_REFS}
        reason = _reason("reason", whole["reason"])
        data = RuleData(
            name=str(whole["name"]),
            destination=str(whole["destination"]),
            condition=whole["condition"],
            wants=whole["wants"],
            is_active=bool(whole["is_active"]),
            reason_id=reason.pk if reason else None,
            **refs,
        )
        check(data)
        Rule.objects.create(rule_set=draft, position=position, **vars(data))
    publish_rule_set(draft.pk, context.by, context.at)


def _whole_rule(said: Said) -> dict[str, Any]:
    """A rule with what it leaves unsaid."""
    return (
        {"name": "", "condition": {}, "destination": "", "wants": [], "is_active": True}
        | dict.fromkeys((*RULE_REFS, "reason"))
        | dict(said)
    )


def _pk(said: Said, name: str) -> int | None:
    model, by = RULE_REFS[name]
    row = referred(model, by, name, said[name])
    return row.pk if row is not None else None


def _segments() -> list[dict[str, Any]]:
    return [{"name": row.name, "condition": row.condition} for row in Segment.objects.order_by("name")]


def _put_segment(said: Said, context: Context) -> None:
    row = Segment.objects.filter(name=said["name"]).first()
    if row is None or row.condition != said.get("condition"):
        save_segment(row.pk if row else None, str(said["name"]), said.get("condition") or {})


def _drop_segment(said: Said) -> None:
    delete_segment(Segment.objects.get(name=said["name"]).pk)


def _questions(framework: Framework) -> list[dict[str, Any]]:
    rows = framework.questions.select_related("segment").order_by("position")
    return [
        {"key": row.key}
        | {
            name: row.segment.name if name == "segment" and row.segment else as_json(getattr(row, name))
            for name in QUESTION
        }
        for row in rows
    ]


def _frameworks() -> list[dict[str, Any]]:
    rows = Framework.objects.filter(is_active=True).order_by("slug")
    return [{"slug": row.slug, "name": row.name, "questions": _questions(row)} for row in rows]


def _put_framework(said: Said, context: Context) -> None:
    row = Framework.objects.filter(slug=said["slug"], is_active=True).first()
    questions = said.get("questions", [])
    if not isinstance(questions, list) or not all(isinstance(one, dict) for one in questions):
        raise InvalidInput(_("Some of it cannot be used."), fields={"questions": _("Write a list of objects.")})
    if row is not None and row.name == said.get("name") and _questions(row) == questions:
        return
    keys = dict(row.questions.values_list("key", "pk")) if row else {}
    data = [_question(one, place, keys) for place, one in enumerate(questions)]
    name = str(said.get("name", ""))
    if row is not None:
        save_framework(row.slug, name, data)
    else:
        make_framework(str(said["slug"]), name, data)


def _question(said: Said, place: int, keys: dict[str, int]) -> QuestionData:
    unknown = [name for name in said if name not in (*QUESTION, "key")]
    if unknown or not said.get("label_en"):
        told = _("There is no such field.") if unknown else _("A question needs label_en.")
        raise InvalidInput(told, fields={f"questions-{place}": f"{', '.join(unknown)} {told}".strip()})
    values = {name: value for name, value in said.items() if name in QUESTION}
    values["segment"] = referred(Segment, "name", f"questions-{place}", said.get("segment"))
    key = str(said.get("key", ""))
    return QuestionData(**values, pk=keys.get(key), key=key)


def _criteria() -> list[dict[str, Any]]:
    rows = Criteria.objects.filter(status=Criteria.Status.PUBLISHED).select_related("framework").order_by("kind")
    return [
        {
            "kind": row.kind,
            "name": row.name,
            "condition": row.condition,
            "framework": row.framework.slug if row.framework else None,
        }
        for row in rows
    ]


def _put_criteria(said: Said, context: Context) -> None:
    if said in _criteria():
        return
    if said["kind"] not in Criteria.Kind.values:
        raise InvalidInput(_("Some of it cannot be used."), fields={"kind": _("It is mql or sql.")})
    if draft_of(said["kind"]) is not None:
        raise _draft_waits()
    framework = None
    if said.get("framework"):
        framework = Framework.objects.filter(slug=said["framework"], is_active=True).first()
        if framework is None:
            told = _("There is none called “%(name)s”.") % {"name": said["framework"]}
            raise InvalidInput(_("Something it refers to is not there."), fields={"framework": told})
    draft = begin_criteria(said["kind"])
    save_criteria(draft.pk, str(said.get("name", "")), said.get("condition") or {}, framework)
    put_into_force(draft.pk)


def _scoring() -> list[dict[str, Any]]:
    rows = ScoringModel.objects.filter(status=ScoringModel.Status.PUBLISHED)
    return [{"rules": row.rules, "groups": row.groups, "half_life_days": row.half_life_days} for row in rows]


def _put_scoring(said: Said, context: Context) -> None:
    whole: dict[str, Any] = {"rules": [], "groups": [], "half_life_days": 14} | dict(said)
    if [whole] == _scoring():
        return
    if scoring_draft() is not None:
        raise _draft_waits()
    read_model(whole["rules"], whole["half_life_days"], whole["groups"])
    draft = begin_draft()
    for name, value in whole.items():
        setattr(draft, name, value)
    draft.save(update_fields=list(whole))
    publish_draft(draft.pk, by=context.by, at=context.at, note=_("From a text"))


def _step(row: Any) -> dict[str, Any]:
    return {name: as_json(getattr(row, name)) for name in STEP if name not in ("template", "segment")} | {
        "template": [row.template.name, row.template.language] if row.template else None,
        "segment": row.segment.name if row.segment else None,
    }


def _template(value: Any, where: str) -> MailTemplate | None:
    if value is None:
        return None
    name, language = value if isinstance(value, list) and len(value) == 2 else (value, "en")
    row = MailTemplate.objects.filter(name=name, language=language).first()
    if row is None:
        told = _("There is none called “%(name)s”.") % {"name": name}
        raise InvalidInput(_("Something it refers to is not there."), fields={where: told})
    return row


def _cadences() -> list[dict[str, Any]]:
    rows = Cadence.objects.select_related("recycle_reason").order_by("name")
    return [
        {name: as_json(getattr(row, name)) for name in (*CADENCE, "condition")}
        | {"recycle_reason": _reason_name(row.recycle_reason)}
        | {"steps": [_step(one) for one in row.steps.select_related("template", "segment").order_by("position")]}
        for row in rows
    ]


def _put_cadence(said: Said, context: Context) -> None:
    if said in _cadences():
        return
    row = Cadence.objects.filter(name=said["name"]).first()
    fields = {name: getattr(row or Cadence(), name) for name in CADENCE} | _times(said, CADENCE)
    fields["recycle_reason"] = _reason("recycle_reason", said.get("recycle_reason"))
    known = list(row.steps.order_by("position").values_list("pk", flat=True)) if row else []
    steps = []
    for place, one in enumerate(said.get("steps", [])):
        values = {name: one[name] for name in STEP if name in one and name not in ("template", "segment")}
        steps.append(
            cadence_setup.StepData(
                **values,
                pk=known[place] if place < len(known) else None,
                template=_template(one.get("template"), f"steps-{place}"),
                segment=referred(Segment, "name", f"steps-{place}", one.get("segment")),
            )
        )
    cadence_setup.save_cadence(row.pk if row else None, fields, said.get("condition") or {}, steps)


def _times(said: Said, names: Sequence[str]) -> dict[str, Any]:
    """The fields said, times as such."""
    found = {name: value for name, value in said.items() if name in names}
    for name in TIMES:
        if isinstance(found.get(name), str):
            try:
                found[name] = time.fromisoformat(found[name])
            except ValueError:
                raise InvalidInput(
                    _("Some of it cannot be used."), fields={name: _("Write a time such as 09:00:00.")}
                ) from None
    return found


def _programmes() -> list[dict[str, Any]]:
    rows = NurtureProgramme.objects.select_related("sender").order_by("name")
    return [
        {name: as_json(getattr(row, name)) for name in (*PROGRAMME, "condition")}
        | {
            "sender": row.sender.email if row.sender else None,
            "reasons": sorted(filter(None, map(_reason_name, row.reasons.all()))),
            "steps": [
                {"after_days": one.after_days, "template": [one.template.name, one.template.language]}
                for one in row.steps.select_related("template").order_by("position")
            ],
        }
        for row in rows
    ]


def _put_programme(said: Said, context: Context) -> None:
    if said in _programmes():
        return
    row = NurtureProgramme.objects.filter(name=said["name"]).first()
    fields = {name: getattr(row or NurtureProgramme(), name) for name in PROGRAMME} | _times(said, PROGRAMME)
    fields["sender"] = referred(User, "email", "sender", said.get("sender"))
    reasons = [_reason("reasons", one) for one in said.get("reasons", [])]
    known = list(row.steps.order_by("position").values_list("pk", flat=True)) if row else []
    steps = []
    for place, one in enumerate(said.get("steps", [])):
        template = _template(one.get("template"), f"steps-{place}")
        if template is None:
            told = _("Choose the text that goes out by itself.")
            raise InvalidInput(told, fields={f"steps-{place}": told})
        pk = known[place] if place < len(known) else None
        steps.append(nurture_programmes.StepData(after_days=one.get("after_days", 0), template=template, pk=pk))
    nurture_programmes.save_programme(row.pk if row else None, fields, reasons, said.get("condition") or {}, steps)


def _handoffs() -> list[dict[str, Any]]:
    rows = HandoffRule.objects.select_related("segment").order_by("position", "pk")
    return [{"segment": row.segment.name, "people": sorted(row.people.values_list("email", flat=True))} for row in rows]


def _put_handoffs(rows: Sequence[Said], context: Context) -> None:
    if list(rows) == _handoffs():
        return
    HandoffRule.objects.all().delete()
    for said in rows:
        segment = referred(Segment, "name", "segment", said.get("segment"))
        people = [referred(User, "email", "people", one) for one in said.get("people", [])]
        add_handoff_rule(segment.pk if segment else None, [one.pk for one in people if one])


def versioned_parts() -> list[Part]:
    """Behind the plain ones, which they refer to."""
    cadence = ("name", *(name for name in CADENCE if name != "name"), "condition", "recycle_reason", "steps")
    programme = ("name", *(n for n in PROGRAMME if n != "name"), "condition", "sender", "reasons", "steps")
    return [
        Part("segments", ("name",), ("name", "condition"), _segments, _put_segment, _drop_segment),
        Part("frameworks", ("slug",), ("slug", "name", "questions"), _frameworks, _put_framework),
        Part("criteria", ("kind",), ("kind", "name", "condition", "framework"), _criteria, _put_criteria),
        Part("scoring", (), ("rules", "groups", "half_life_days"), _scoring, _put_scoring, is_single=True),
        Part("cadences", ("name",), cadence, _cadences, _put_cadence),
        Part("programmes", ("name",), programme, _programmes, _put_programme),
        Part("rules", ("name",), RULE, _rules, put_all=_put_rules),
        Part("handoffs", ("segment",), ("segment", "people"), _handoffs, put_all=_put_handoffs),
    ]
