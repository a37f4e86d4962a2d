"""The score itself, pure: who they are (fit), what they did lately (engagement), and every point with its reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn

from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.conditions import Condition, parse
from leads.fold import fold

Part = Literal["fit", "engagement"]
DAY = 86_400
LETTERS = ((75, "A"), (50, "B"), (25, "C"))
KNOWN = frozenset(
    {
        "key",
        "label_en",
        "label_de",
        "part",
        "condition",
        "points",
        "touch",
        "subjects",
        "event",
        "most",
        "group",
        "within_days",
        "least",
    }
)
CAP = "cap:"
# As many of a lead's newest events are looked at.
MOST_EVENTS = 500
# What is left of a sum of fading points depends on the order of adding; a half is a half all the same.
HALF = 0.5 + 1e-9


@dataclass(frozen=True)
class Rule:
    """Points for a condition, or for each touch or event of a kind (at most `most` points together).

    `subjects` narrows touches to those about one of these things, `within_days` to the newest; fewer than `least` of
    them give nothing. Fit does not fade; engagement halves every half-life, counted from the touch or event, for a
    condition from the newest touch. `group`: the rules that share a cap with it.
    """

    key: str
    part: Part
    points: float
    condition: Condition
    labels: Mapping[str, str]
    touch: str = ""
    subjects: frozenset[str] = frozenset()
    event: str = ""
    most: float | None = None
    group: str = ""
    within_days: float | None = None
    least: int = 1


@dataclass(frozen=True)
class Group:
    """Rules of one part that together give, or take, at most `most` points."""

    key: str
    most: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """A scoring model, read and checked."""

    rules: tuple[Rule, ...]
    half_life_days: float
    groups: tuple[Group, ...] = ()

    @property
    def event_kinds(self) -> set[str]:
        """The kinds of events that the rules look at."""
        return {rule.event for rule in self.rules if rule.event}


@dataclass(frozen=True)
class Signal:
    """Something the person did: the kind of touch or event, what it was about, and when."""

    kind: str
    at: datetime
    subject: str = ""


@dataclass(frozen=True)
class Result:
    """A score: two parts from 0 to 100, the grade, and the reasons by the keys of their rules, in the rules' order."""

    fit: int
    engagement: int
    grade: str
    reasons: list[dict[str, Any]]


def read_model(rules: Any, half_life_days: float, groups: Any = ()) -> Model:
    """The model behind its JSON; raises InvalidInput whose `fields` name each wrong place."""
    if not isinstance(rules, list):
        raise InvalidInput(_("The rules are a list."), fields={"rules": _("Write a list of rules.")})
    if half_life_days <= 0:
        raise InvalidInput(
            _("The half-life is at least one day."), fields={"half_life_days": _("Write a number of days above 0.")}
        )
    read = tuple(_read_rule(rule, f"rules[{number}]") for number, rule in enumerate(rules))
    keys = [rule.key for rule in read]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            _refuse(f"rules[{number}].key", _("another rule has this key; choose a new one."))
    capped = _read_groups(groups)
    parts: dict[str, str] = {}
    for number, rule in enumerate(read):
        if rule.group and rule.group not in {one.key for one in capped}:
            _refuse(f"rules[{number}].group", _("there is no group of this name."))
        if rule.group and parts.setdefault(rule.group, rule.part) != rule.part:
            _refuse(f"rules[{number}].group", _("a group holds rules of fit or of engagement, not of both."))
    return Model(read, half_life_days, capped)


def _read_groups(raw: Any) -> tuple[Group, ...]:
    if not isinstance(raw, list | tuple):
        raise InvalidInput(_("The groups are a list."), fields={"groups": _("Write a list of groups.")})
    found: list[Group] = []
    for number, one in enumerate(raw):
        place = f"groups[{number}]"
        if not isinstance(one, dict):
            _refuse(place, _("write an object with key, label_en and most."))
        for name in ("key", "label_en"):
            if not isinstance(one.get(name), str) or not one[name]:
                _refuse(f"{place}.{name}", _("write a short text."))
        most = one.get("most")
        if isinstance(most, bool) or not isinstance(most, int | float) or not 0 < most <= 100:
            _refuse(f"{place}.most", _("write a number from 1 to 100."))
        if one["key"] in {known.key for known in found}:
            _refuse(f"{place}.key", _("another group has this key; choose a new one."))
        labels = {"label_en": one["label_en"], "label_de": str(one.get("label_de") or one["label_en"])}
        found.append(Group(one["key"], float(most), labels))
    return tuple(found)


def _refuse(place: str, remedy: str) -> NoReturn:
    raise InvalidInput(
        _("The scoring model cannot be read at %(place)s: %(remedy)s") % {"place": place, "remedy": remedy},
        fields={place: remedy},
    )


def _read_rule(raw: Any, place: str) -> Rule:
    if not isinstance(raw, dict):
        _refuse(place, _("write an object with key, part, points and condition."))
    for word in raw:
        if word not in KNOWN:
            _refuse(f"{place}.{word}", _("this word is not known here."))
    for name in ("key", "label_en"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            _refuse(f"{place}.{name}", _("write a short text."))
    if raw.get("part") not in ("fit", "engagement"):
        _refuse(f"{place}.part", _("write fit or engagement."))
    for name in ("points", "most"):
        value = raw.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -100 <= value <= 100 or not value:
            _refuse(f"{place}.{name}", _("write a number from -100 to 100, not 0."))
    for name, most in (("within_days", 3650), ("least", 1000)):
        value = raw.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            _refuse(f"{place}.{name}", _("write a whole number from 1 to %(most)s.") % {"most": most})
        if name in raw and not (raw.get("touch") or raw.get("event")):
            _refuse(f"{place}.{name}", _("this is for touches and events."))
    if raw["part"] == "fit" and (raw.get("touch") or raw.get("event")):
        _refuse(f"{place}.part", _("touches and events count for engagement."))
    try:
        condition = parse(raw.get("condition"))
    except InvalidInput as error:
        inner, remedy = next(iter(error.fields.items()))
        raise InvalidInput(str(error), fields={f"{place}.condition.{inner}": remedy}) from error
    return Rule(
        key=raw["key"],
        part=raw["part"],
        points=float(raw["points"]),
        condition=condition,
        labels={"label_en": raw["label_en"], "label_de": str(raw.get("label_de") or raw["label_en"])},
        touch=str(raw.get("touch") or ""),
        subjects=frozenset(fold(str(subject)) for subject in raw.get("subjects") or ()),
        event=str(raw.get("event") or ""),
        most=float(raw["most"]) if "most" in raw else None,
        group=str(raw.get("group") or ""),
        within_days=float(raw["within_days"]) if "within_days" in raw else None,
        least=int(raw.get("least", 1)),
    )


def score(
    facts: Mapping[str, Any], touches: Sequence[Signal], events: Sequence[Signal], model: Model, at: datetime
) -> Result:
    """Score one lead as it was at ``at``."""
    newest = max((touch.at for touch in touches if touch.at <= at), default=None)
    sums: dict[str, float] = {"fit": 0.0, "engagement": 0.0}
    grouped: dict[str, float] = {}
    parts: dict[str, str] = {}
    reasons: list[dict[str, Any]] = []
    for rule in model.rules:
        if not rule.condition.holds(facts):
            continue
        points, times = _points(rule, touches, events, newest, model.half_life_days, at)
        if not points:
            continue
        sums[rule.part] += points
        if rule.group:
            grouped[rule.group] = grouped.get(rule.group, 0.0) + points
            parts[rule.group] = rule.part
        reasons.append(_reason(rule, points, times, facts))
    for group in model.groups:
        # What is over the cap is taken off again, as a reason of its own: the reasons add up to the score.
        whole = grouped.get(group.key, 0.0)
        over = whole - max(-group.most, min(group.most, whole))
        if over:
            sums[parts[group.key]] -= over
            reasons.append({"key": f"{CAP}{group.key}", "points": tenths(-over), "facts": {}})
    fit, engagement = (_bounded(sums[part]) for part in ("fit", "engagement"))
    return Result(fit, engagement, grade(fit, engagement), reasons)


def _points(
    rule: Rule,
    touches: Sequence[Signal],
    events: Sequence[Signal],
    newest: datetime | None,
    half_life_days: float,
    at: datetime,
) -> tuple[float, int]:
    """The points of a rule whose condition holds, and how many signals gave them."""
    if rule.part == "fit":
        return rule.points, 1
    if not rule.touch and not rule.event:
        return (rule.points * faded(newest, half_life_days, at), 1) if newest else (0.0, 0)
    begin = at - timedelta(days=rule.within_days) if rule.within_days else None
    signals = [one for one in _matching(rule, touches, events) if one.at <= at and (begin is None or one.at > begin)]
    if len(signals) < rule.least:
        return 0.0, 0
    total = sum(rule.points * faded(one.at, half_life_days, at) for one in signals)
    if rule.most is not None:
        total = max(-abs(rule.most), min(abs(rule.most), total))
    return total, len(signals)


def _matching(rule: Rule, touches: Iterable[Signal], events: Iterable[Signal]) -> list[Signal]:
    if rule.event:
        return [event for event in events if event.kind == rule.event]
    return [
        touch
        for touch in touches
        if rule.touch in ("any", touch.kind) and (not rule.subjects or fold(touch.subject) in rule.subjects)
    ]


def faded(then: datetime, half_life_days: float, at: datetime) -> float:
    """What is left of one point given at ``then``: a half after each half-life."""
    return float(0.5 ** (max(0.0, (at - then).total_seconds()) / DAY / half_life_days))


def _reason(rule: Rule, points: float, times: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    because = {name: facts.get(name) for name in sorted(rule.condition.fact_names())}
    found = {"key": rule.key, "points": tenths(points), "facts": because}
    return found | ({"times": times} if times > 1 else {})


def tenths(points: float) -> float:
    """Points as they are shown; SQL rounds alike."""
    return round(points * 10) / 10


def _bounded(points: float) -> int:
    return max(0, min(100, int(points + HALF)))


def grade(fit: int, engagement: int) -> str:
    """A1 to D4: the letter says how well they fit, the number how much they do."""
    letter = next((letter for least, letter in LETTERS if fit >= least), "D")
    number = next((place for place, (least, _letter) in enumerate(LETTERS, 1) if engagement >= least), 4)
    return f"{letter}{number}"
