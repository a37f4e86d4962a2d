"""The scoring page: rules in words, what the draft changes, and how last month's leads would move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Lead, Touchpoint, User
from qualification.models import ScoringModel
from qualification.scoring import Group, Model, Rule
from qualification.services.score import compiled
from qualification.services.trial_scores import STEP, Comparison, compare
from routing.words import Piece, condition_pieces

LETTERS, NUMBERS = "ABCD", "1234"
SHOWN = 12
EVENTS = {
    "activity.logged": gettext_lazy("one of us was in touch"),
    "answer.given": gettext_lazy("a question was answered"),
    "lead.enriched": gettext_lazy("something became known"),
}


@dataclass(frozen=True)
class RuleLine:
    """One rule as the page draws it; ``change``: new, changed, or empty."""

    rule: Rule
    label: str
    signal: str
    pieces: list[Piece]
    change: str = ""


@dataclass(frozen=True)
class Section:
    """The rules of one part that share a cap, or none."""

    part: str
    group: Group | None
    label: str
    lines: list[RuleLine]


@dataclass(frozen=True)
class Cell:
    """One grade: how many leads have it, and would have it; ``heat`` 0 to 4 by the latter."""

    grade: str
    before: int
    after: int
    heat: int

    @property
    def moved(self) -> str:
        """The difference, with its sign."""
        difference = self.after - self.before
        return f"{'+' if difference > 0 else '−'}{abs(difference)}" if difference else ""


@dataclass(frozen=True)
class Bar:
    """Ten points of a part: two heights of a hundred."""

    x: int
    before: float
    after: float
    label: str


@dataclass(frozen=True)
class Moved:
    """A lead that gets another grade; without a name where the reader may not see it."""

    lead: Lead | None
    before: str
    after: str


@dataclass(frozen=True)
class Distribution:
    """How last month's leads would be graded."""

    comparison: Comparison
    rows: list[list[Cell]]
    courses: list[tuple[str, list[Bar]]]
    moved: list[Moved]

    @property
    def changed(self) -> int:
        """How many get another grade."""
        return len(self.comparison.changed)

    @property
    def better(self) -> int:
        """How many more are A or B; negative: fewer."""
        before, after = (self.comparison.grades(after=one) for one in (False, True))
        return sum(after[grade] - before[grade] for grade in {*before, *after} if grade[0] in "AB")


def label_of(labels: object) -> str:
    """A label that configuration keeps in both languages."""
    told = labels if isinstance(labels, dict) else {}
    language = (get_language() or "en")[:2]
    return str(told.get(f"label_{language}") or told.get("label_en") or "")


def sections(model: Model, against: Model | None) -> list[Section]:
    """All rules, fit first; those of a group together."""
    old = {rule.key: rule for rule in against.rules} if against else {}
    found = []
    for part in ("fit", "engagement"):
        for group in [None, *model.groups]:
            rules = [rule for rule in model.rules if rule.part == part and rule.group == (group.key if group else "")]
            if rules:
                label = label_of(group.labels) if group else ""
                lines = [_line(rule, old.get(rule.key), is_draft=against is not None) for rule in rules]
                found.append(Section(part, group, label, lines))
    return found


def _line(rule: Rule, old: Rule | None, *, is_draft: bool) -> RuleLine:
    change = "" if not is_draft or rule == old else _("new") if old is None else _("changed")
    pieces = [] if rule.condition.is_always else condition_pieces(rule.condition)
    return RuleLine(rule, label_of(rule.labels), signal_words(rule), pieces, change)


def signal_words(rule: Rule) -> str:
    """What the person does to get the points, and how often."""
    if rule.touch:
        what = _("any touch") if rule.touch == "any" else str(dict(Touchpoint.Kind.choices).get(rule.touch, rule.touch))
        said = _("each: %(what)s") % {"what": what}
        if rule.subjects:
            said += " " + _("about %(subjects)s") % {"subjects": ", ".join(sorted(rule.subjects))}
    elif rule.event:
        said = _("each time: %(what)s") % {"what": str(EVENTS.get(rule.event, rule.event))}
    else:
        return ""
    more = []
    if rule.least > 1:
        more.append(_("from %(count)s on") % {"count": rule.least})
    if rule.within_days:
        days = int(rule.within_days)
        more.append(ngettext("of the last day", "of the last %(count)s days", days) % {"count": days})
    if rule.most is not None:
        more.append(_("at most %(points)s") % {"points": formats.number(rule.most)})
    return ", ".join([said, *more])


def distribution(before: ScoringModel | None, after: ScoringModel, reader: User, at: datetime) -> Distribution:
    """Both versions on last month's leads."""
    same = before is None or before == after
    comparison = compare(None if before is None else compiled(before), compiled(after), at)
    counts = [comparison.grades(after=one) for one in (False, True)]
    most = max(counts[1].values(), default=0) or 1
    rows = [
        [
            Cell(f"{letter}{number}", counts[0][f"{letter}{number}"], counts[1][f"{letter}{number}"], _heat(n, most))
            for number in NUMBERS
            for n in [counts[1][f"{letter}{number}"]]
        ]
        for letter in LETTERS
    ]
    courses = [(part, _bars(comparison, part)) for part in ("fit", "engagement")]
    return Distribution(comparison, rows, courses, [] if same else _moved(comparison, reader))


def _heat(count: int, most: int) -> int:
    return min(4, round(count / most * 4)) if count else 0


def _bars(comparison: Comparison, part: str) -> list[Bar]:
    before, after = (comparison.course(part, after=one) for one in (False, True))
    most = max([*before, *after], default=0) or 1
    return [
        Bar(place * STEP, old / most * 100, new / most * 100, f"{place * STEP}–{place * STEP + STEP - 1}")
        for place, (old, new) in enumerate(zip(before, after, strict=True))
    ]


def _moved(comparison: Comparison, reader: User) -> list[Moved]:
    chosen = sorted(comparison.changed, key=lambda one: (one.after.grade, one.lead_id))[:SHOWN]
    leads = Lead.objects.visible_to(reader).with_people().in_bulk([one.lead_id for one in chosen])
    return [Moved(leads.get(one.lead_id), one.before.grade if one.before else "", one.after.grade) for one in chosen]


def gone(model: Model, against: Model | None) -> Sequence[str]:
    """What the draft has no longer, by name."""
    kept = {rule.key for rule in model.rules}
    return [label_of(rule.labels) for rule in (against.rules if against else ()) if rule.key not in kept]
