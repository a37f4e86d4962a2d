"""Editing rules: only the one draft is ever changed; what decides or has decided stays as it was."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.conditions import parse
from leads.models import User
from routing.fit import wrong_want
from routing.models import Rule, RuleSet
from routing.services.seen import expect_draft, expect_rule

Destination = Rule.Destination


class NotADraft(DomainError):
    """Only a draft can be edited."""

    code = "not_a_draft"


class DraftExists(DomainError):
    """There is one draft at a time."""

    code = "draft_exists"


@dataclass(frozen=True)
class RuleData:
    """What a person says about a rule."""

    name: str
    destination: str
    condition: Mapping[str, Any]
    pool_id: int | None = None
    rep_id: int | None = None
    reason_id: int | None = None
    sla_policy_id: int | None = None
    is_active: bool = True
    wants: list[dict[str, Any]] = field(default_factory=list)
    fallback_pool_id: int | None = None
    cover_id: int | None = None


# What each destination needs, and what to say where it lacks.
NEEDS: dict[str, tuple[str, str | Promise]] = {
    Destination.POOL: ("pool_id", gettext_lazy("Choose the pool that shares these leads.")),
    Destination.ACCOUNT_OWNER: ("pool_id", gettext_lazy("Choose the pool for accounts whose owner is away.")),
    Destination.REP: ("rep_id", gettext_lazy("Choose the rep who gets these leads.")),
    Destination.DISQUALIFY: ("reason_id", gettext_lazy("Choose the reason.")),
}


def new_draft(by: User | None, *, from_version: int | None = None) -> RuleSet:
    """A draft that begins as a copy of ``from_version`` (default: the published one, or nothing)."""
    source = RuleSet.objects.filter(version=from_version) if from_version else _published()
    try:
        with transaction.atomic():
            return copy_of(source.first(), status=RuleSet.Status.DRAFT, by=by)
    except IntegrityError:
        raise DraftExists(_("There is a draft already: go on with it, or discard it first.")) from None


def copy_of(source: RuleSet | None, *, status: str, by: User | None, note: str = "") -> RuleSet:
    """The next version, with the rules of ``source``."""
    highest = RuleSet.objects.aggregate(highest=Max("version"))["highest"] or 0
    copy = RuleSet.objects.create(version=highest + 1, status=status, created_by=by, note=note)
    rules = list(source.rules.all()) if source else []
    for rule in rules:
        rule.pk, rule.rule_set = None, copy
        rule._state.adding = True
    Rule.objects.bulk_create(rules)
    return copy


def discard_draft(rule_set_id: int, *, seen: str = "") -> None:
    """Throw the draft away, if it still says what was seen."""
    with transaction.atomic():
        draft = lock_draft(rule_set_id)
        expect_draft(draft, seen)
        draft.delete()


def note_draft(rule_set_id: int, note: str) -> None:
    """Say what has changed in this version."""
    with transaction.atomic():
        draft = lock_draft(rule_set_id)
        draft.note = note.strip()[:200]
        draft.save(update_fields=["note"])


def add_rule(rule_set_id: int, data: RuleData) -> Rule:
    """A new rule at the end, but above a last rule that takes everybody."""
    check(data)
    with transaction.atomic():
        draft = lock_draft(rule_set_id)
        last = draft.rules.last()
        position = last.position + 1 if last else 1
        if last and not last.condition and data.condition:
            draft.rules.filter(pk=last.pk).update(position=F("position") + 1)
            position = last.position
        return Rule.objects.create(rule_set=draft, position=position, **asdict(data))


def update_rule(rule_id: int, data: RuleData, *, seen: str = "") -> Rule:
    """Change a rule of the draft, if it still says what was seen."""
    check(data)

    def change(rule: Rule) -> Rule:
        expect_rule(rule, seen)
        for name, value in asdict(data).items():
            setattr(rule, name, value)
        rule.save()
        return rule

    return _in_draft(rule_id, change)


def move_rule(rule_id: int, to: int) -> Rule:
    """Put a rule at place ``to`` (the first is 1); the others make room."""

    def move(rule: Rule) -> Rule:
        order = [one for one in rule.rule_set.rules.order_by("position") if one.pk != rule.pk]
        order.insert(min(max(to, 1), len(order) + 1) - 1, rule)
        _number(order)
        return rule

    return _in_draft(rule_id, move)


def duplicate_rule(rule_id: int) -> Rule:
    """A copy right below, to be changed."""

    def copy(rule: Rule) -> Rule:
        order = list(rule.rule_set.rules.order_by("position"))
        place = next(number for number, one in enumerate(order, 1) if one.pk == rule.pk)
        rule.pk, rule.position = None, len(order) + 1
        rule._state.adding = True
        rule.name = (_("%(name)s, copy") % {"name": rule.name})[:120]
        rule.save()
        order.insert(place, rule)
        _number(order)
        return rule

    return _in_draft(rule_id, copy)


def put_back(rule_set_id: int, rule_id: int) -> Rule:
    """Bring a rule of the published version back into the draft, at the place where it stood."""
    with transaction.atomic():
        draft = lock_draft(rule_set_id)
        rule = Rule.objects.filter(pk=rule_id, rule_set__status=RuleSet.Status.PUBLISHED).first()
        if rule is None:
            raise NotADraft(_("This rule is none of the version that decides."))
        order = list(draft.rules.order_by("position"))
        place = min(rule.position, len(order) + 1)
        rule.pk, rule.rule_set, rule.position = None, draft, len(order) + 1
        rule._state.adding = True
        rule.save()
        order.insert(place - 1, rule)
        _number(order)
        return rule


def delete_rule(rule_id: int, *, seen: str = "") -> None:
    """Take a rule out of the draft, if it still says what was seen."""

    def delete(rule: Rule) -> Rule:
        expect_rule(rule, seen)
        rest = [one for one in rule.rule_set.rules.order_by("position") if one.pk != rule.pk]
        Rule.objects.filter(pk=rule.pk).delete()
        _number(rest)
        return rule

    _in_draft(rule_id, delete)


def check(data: RuleData) -> None:
    """InvalidInput naming each field that lacks something."""
    wrong: dict[str, str] = {}
    if not data.name.strip():
        wrong["name"] = _("Give the rule a name.")
    if data.destination not in Destination.values:
        wrong["destination"] = _("Choose where these leads go.")
    needed, remedy = NEEDS.get(data.destination, ("", ""))
    if needed and getattr(data, needed) is None:
        wrong[needed] = str(remedy)
    if data.fallback_pool_id and data.fallback_pool_id == data.pool_id:
        wrong["fallback_pool"] = _("Choose another pool to fall back on.")
    if complaint := wrong_want(data.wants):
        wrong["wants"] = complaint
    try:
        parse(data.condition)
    except InvalidInput as error:
        wrong["condition"] = str(error)
    if wrong:
        raise InvalidInput(_("The rule is not complete."), fields=wrong)


def lock_draft(rule_set_id: int) -> RuleSet:
    """The draft, locked; NotADraft if it has been published or discarded meanwhile."""
    draft = RuleSet.objects.select_for_update().filter(pk=rule_set_id, status=RuleSet.Status.DRAFT).first()
    if draft is None:
        raise NotADraft(_("This is no draft any more. Begin a new one."))
    return draft


def _in_draft(rule_id: int, change: Callable[[Rule], Rule]) -> Rule:
    with transaction.atomic():
        found = Rule.objects.filter(pk=rule_id).values_list("rule_set", flat=True).first()
        draft = lock_draft(found or 0)
        rule = Rule.objects.select_related("rule_set").filter(pk=rule_id, rule_set=draft).first()
        if rule is None:
            raise NotADraft(_("Somebody has taken this rule out of the draft meanwhile."))
        return change(rule)


def _number(order: list[Rule]) -> None:
    """Positions from 1 in this order; the database looks at them only when the transaction ends."""
    for position, rule in enumerate(order, 1):
        Rule.objects.filter(pk=rule.pk).update(position=position)


def _published() -> Any:
    return RuleSet.objects.filter(status=RuleSet.Status.PUBLISHED)
