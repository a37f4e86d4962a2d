"""The next scoring model: a draft that is changed rule by rule, and published when it is right."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.models import User
from qualification.models import ScoringModel
from qualification.scoring import read_model
from qualification.services.rescoring import begin_rescoring
from qualification.services.score import publish_model
from qualification.services.versions import next_version

Status = ScoringModel.Status


class NoScoringDraft(DomainError):
    """There is no draft (any more)."""

    code = "no_scoring_draft"


class ScoringChanged(DomainError):
    """Somebody else was faster."""

    code = "changed_meanwhile"


@dataclass(frozen=True)
class RuleData:
    """What a person says about a scoring rule; ``signal`` is empty, ``touch:<kind>`` or ``event:<kind>``."""

    label_en: str
    label_de: str
    part: str
    points: float
    condition: Mapping[str, Any]
    signal: str = ""
    subjects: tuple[str, ...] = ()
    most: float | None = None
    within_days: int | None = None
    least: int | None = None
    group: str = ""


def scoring_draft() -> ScoringModel | None:
    """The draft that is worked on: the newest."""
    return ScoringModel.objects.filter(status=Status.DRAFT).first()


def mark_of(model: ScoringModel) -> str:
    """A short mark of everything that a model says."""
    said = [model.pk, model.rules, model.groups, model.half_life_days]
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def begin_draft(from_version: int | None = None) -> ScoringModel:
    """A draft that begins as a copy of a version (default: the published one); the one there is, if there is one."""
    with transaction.atomic():
        # Two who begin at once get one draft.
        rows = ScoringModel.objects.select_for_update().order_by("pk")
        known = {row.version: row for row in rows}
        if draft := next((row for row in reversed(list(rows)) if row.status == Status.DRAFT), None):
            return draft
        source = known.get(from_version or 0) or next((one for one in rows if one.status == Status.PUBLISHED), None)
        made = ScoringModel(version=next_version(ScoringModel.objects.all()))
        if source is not None:
            made.rules, made.groups, made.half_life_days = source.rules, source.groups, source.half_life_days
        made.save()
        return made


def discard_draft(model_id: int, *, seen: str) -> None:
    """Throw the draft away, if it still says what was seen."""
    with transaction.atomic():
        _locked(model_id, seen).delete()


def save_weights(
    model_id: int, points: Mapping[str, float], caps: Mapping[str, float], half_life_days: int, *, seen: str
) -> ScoringModel:
    """Change points of rules, caps of groups and the half-life at once."""

    def change(rules: list[dict[str, Any]], groups: list[dict[str, Any]]) -> None:
        for rule in rules:
            rule["points"] = _plain(points.get(rule["key"], rule["points"]))
        for group in groups:
            group["most"] = _plain(caps.get(group["key"], group["most"]))

    return _change(model_id, change, seen=seen, half_life_days=half_life_days)


def save_rule(model_id: int, key: str, data: RuleData, *, seen: str) -> ScoringModel:
    """Change a rule, or add one where ``key`` is empty. Raises InvalidInput naming each field to mend."""
    if not data.label_en.strip():
        raise InvalidInput(_("The rule is not complete."), fields={"label_en": _("Say in a few words what it is for.")})

    def change(rules: list[dict[str, Any]], groups: list[dict[str, Any]]) -> None:
        place = next((number for number, rule in enumerate(rules) if rule["key"] == key), None) if key else None
        if key and place is None:
            raise NoScoringDraft(_("Somebody has taken this rule out of the draft meanwhile."))
        made = _as_json(data, key or _free_key(data.label_en, {rule["key"] for rule in rules}))
        if place is None:
            rules.append(made)
        else:
            rules[place] = made

    return _change(model_id, change, seen=seen)


def delete_rule(model_id: int, key: str, *, seen: str) -> ScoringModel:
    """Take a rule out of the draft."""

    def change(rules: list[dict[str, Any]], groups: list[dict[str, Any]]) -> None:
        rules[:] = [rule for rule in rules if rule["key"] != key]

    return _change(model_id, change, seen=seen)


def add_group(model_id: int, label_en: str, label_de: str, most: float, *, seen: str) -> ScoringModel:
    """A new group with its cap."""
    if not label_en.strip():
        raise InvalidInput(_("The group is not complete."), fields={"label_en": _("Give the group a name.")})

    def change(rules: list[dict[str, Any]], groups: list[dict[str, Any]]) -> None:
        key = _free_key(label_en, {group["key"] for group in groups})
        labels = {"label_en": label_en.strip(), "label_de": label_de.strip() or label_en.strip()}
        groups.append({"key": key, **labels, "most": _plain(most)})

    return _change(model_id, change, seen=seen)


def delete_group(model_id: int, key: str, *, seen: str) -> ScoringModel:
    """Take a group away; its rules stay, without a cap."""

    def change(rules: list[dict[str, Any]], groups: list[dict[str, Any]]) -> None:
        groups[:] = [group for group in groups if group["key"] != key]
        for rule in rules:
            if rule.get("group") == key:
                del rule["group"]

    return _change(model_id, change, seen=seen)


def publish_draft(model_id: int, *, by: User | None, at: datetime, note: str = "", seen: str = "") -> ScoringModel:
    """Score by the draft from now on, and every open lead anew."""
    with transaction.atomic():
        draft = _locked(model_id, seen)
        draft.note = note.strip()[:200]
        draft.save(update_fields=["note"])
        made = publish_model(draft.pk, by)
        begin_rescoring(made, at)
        return made


def _locked(model_id: int, seen: str) -> ScoringModel:
    draft = ScoringModel.objects.select_for_update().filter(pk=model_id, status=Status.DRAFT).first()
    if draft is None:
        raise NoScoringDraft(_("This is no draft any more. Begin a new one."))
    if seen and seen != mark_of(draft):
        raise ScoringChanged(
            _("Somebody else has changed the draft since you opened it. Nothing was done; look at it again.")
        )
    return draft


def _change(model_id: int, change: Any, *, seen: str, half_life_days: int | None = None) -> ScoringModel:
    with transaction.atomic():
        draft = _locked(model_id, seen)
        rules, groups = json.loads(json.dumps(draft.rules)), json.loads(json.dumps(draft.groups))
        change(rules, groups)
        days = half_life_days if half_life_days is not None else draft.half_life_days
        read_model(rules, days, groups)
        draft.rules, draft.groups, draft.half_life_days = rules, groups, days
        draft.save(update_fields=["rules", "groups", "half_life_days"])
        return draft


def _as_json(data: RuleData, key: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "key": key,
        "label_en": data.label_en.strip(),
        "label_de": data.label_de.strip() or data.label_en.strip(),
        "part": data.part,
        "points": _plain(data.points),
    }
    what, _sep, kind = data.signal.partition(":")
    if what in ("touch", "event") and kind:
        made[what] = kind
        more = {"most": data.most, "within_days": data.within_days, "least": data.least}
        made |= {name: _plain(value) for name, value in more.items() if value is not None}
        if what == "touch" and data.subjects:
            made["subjects"] = list(data.subjects)
    if data.condition:
        made["condition"] = dict(data.condition)
    if data.group:
        made["group"] = data.group
    return made


def _plain(number: float) -> int | float:
    return int(number) if float(number).is_integer() else float(number)


def _free_key(label: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-")[:40] or "rule"
    number, key = 1, base
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    return key
