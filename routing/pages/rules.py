"""What the rules page shows: a version as sentences, with what each rule took and what has changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads.facts import lead_facts
from leads.models import Lead, User
from routing.decide import Looked, RuleView, first_match, readable
from routing.findings import Finding
from routing.models import Certificate, Rule, RuleSet
from routing.published import rules_of
from routing.services.seen import CONTENT
from routing.words import Piece, comparison_words, condition_pieces, destination_words

DAYS, BARS = 30, 15


@dataclass
class RuleLine:
    """One rule as the page draws it."""

    rule: Rule
    pieces: list[Piece]
    is_readable: bool
    goes_to: str
    taken: int = 0
    course: list[int] = field(default_factory=list)
    change: str = ""
    is_new: bool = False
    stop: Finding | None = None


@dataclass(frozen=True)
class Trial:
    """What a version would do with one lead."""

    lead: Lead
    looked: list[tuple[Looked, list[str]]]
    rule: RuleView | None
    goes_to: str = ""


@dataclass(frozen=True)
class Sets:
    """The versions that matter to a page: the one that decides, the draft, the one shown."""

    published: RuleSet | None
    draft: RuleSet | None
    shown: RuleSet | None
    canary: RuleSet | None = None


def sets_for(version: int | None, *, sees_draft: bool) -> Sets:
    """What is shown is the version asked for, else the draft for who edits it, else the published one."""
    alive = Q(status__in=[RuleSet.Status.PUBLISHED, RuleSet.Status.DRAFT, RuleSet.Status.CANARY])
    found = RuleSet.objects.filter(alive | Q(version=version)).select_related("created_by", "published_by")
    by_status = {one.status: one for one in found}
    draft, published = by_status.get(RuleSet.Status.DRAFT), by_status.get(RuleSet.Status.PUBLISHED)
    shown = (draft if sees_draft else None) or published
    if version is not None:
        shown = next((one for one in found if one.version == version and (sees_draft or one != draft)), None)
    return Sets(published, draft, shown, by_status.get(RuleSet.Status.CANARY))


def lines_of(rules: Sequence[Rule], at: datetime, *, against: Sequence[Rule] = ()) -> list[RuleLine]:
    """Rules in order; those of a draft with the leads that the published rule they were made from took."""
    known = counterparts(rules, against)
    counted = [known[rule.pk].pk if rule.pk in known else rule.pk for rule in rules]
    taken = _taken(counted, at)
    lines = [_line(rule, taken.get(pk, {}), at) for rule, pk in zip(rules, counted, strict=True)]
    if against:
        order = [known[rule.pk].pk for rule in rules if rule.pk in known]
        before = [rule.pk for rule in against if rule.pk in order]
        for line in lines:
            old = known.get(line.rule.pk)
            line.is_new = old is None
            line.change = _change(line.rule, old, moved=old is not None and _moved(order, before, old.pk))
    return lines


def counterparts(rules: Sequence[Rule], against: Sequence[Rule]) -> dict[int, Rule]:
    """For each rule, by its key, the other version's rule that it was made from: of the same name, else one that says
    the same under another name."""
    named = {rule.name: rule for rule in against}
    found = {rule.pk: named[rule.name] for rule in rules if rule.name in named}
    left = [rule for rule in against if rule not in found.values()]
    for rule in rules:
        same = next((one for one in left if rule.pk not in found and _says_the_same(rule, one)), None)
        if same is not None:
            found[rule.pk] = same
            left.remove(same)
    return found


def changes(lines: Sequence[RuleLine], against: Sequence[Rule]) -> int:
    """How many rules differ from the published version, those taken out included."""
    known = counterparts([line.rule for line in lines], against)
    return sum(bool(line.change) for line in lines) + sum(rule not in known.values() for rule in against)


def taken_out(lines: Sequence[RuleLine], against: Sequence[Rule]) -> list[RuleLine]:
    """Rules of the published version that the draft has no longer."""
    known = counterparts([line.rule for line in lines], against)
    kept = {rule.pk for rule in known.values()}
    return lines_of([rule for rule in against if rule.pk not in kept], now())


def try_lead(rule_set: RuleSet, lead: Lead, at: datetime) -> Trial:
    """Which rule of this version would take the lead now, and why not the ones above."""
    views = rules_of(rule_set.pk)
    rule, looked = first_match(views, lead_facts(lead, at))
    told = [(one, [comparison_words(step) for step in one.trace]) for one in looked]
    related = ("pool", "rep__user", "reason", "fallback_pool", "cover__user")
    stored = rule_set.rules.select_related(*related).filter(pk=rule.id).first() if rule else None
    return Trial(lead, told, rule, destination_words(stored) if stored else "")


def find_lead(text: str, user: User) -> Lead:
    """The lead meant by a number or by words; of several the one touched last."""
    visible = Lead.objects.visible_to(user).with_people()
    words = text.strip().removeprefix("#")
    found = visible.filter(pk=int(words)) if words.isdigit() and len(words) < 19 else visible.search(text)
    lead = found.order_by("-last_touch_at").first()
    if lead is None:
        raise DomainError(_("No lead that you may see is called “%(text)s”.") % {"text": text})
    return lead


def stored_rules(rule_set: RuleSet | None) -> list[Rule]:
    """All rules of a version with what their sentences name."""
    related = ("pool", "rep__user", "reason", "sla_policy", "fallback_pool", "cover__user")
    return list(rule_set.rules.select_related(*related).order_by("position")) if rule_set else []


def _line(rule: Rule, days: dict[Any, int], at: datetime) -> RuleLine:
    condition = readable(rule.condition)
    first = at.date() - timedelta(days=DAYS - 1)
    step = DAYS // BARS
    course = [sum(days.get(first + timedelta(days=bar * step + day), 0) for day in range(step)) for bar in range(BARS)]
    pieces = condition_pieces(condition) if condition else []
    return RuleLine(rule, pieces, condition is not None, destination_words(rule), sum(days.values()), course)


def _taken(rule_ids: Sequence[int], at: datetime) -> dict[int, dict[Any, int]]:
    """Leads that each rule decided about, by day."""
    since = at - timedelta(days=DAYS)
    decided = Certificate.objects.filter(rule__in=rule_ids, decided_at__gte=since, decided_at__lte=at)
    found: dict[int, dict[Any, int]] = {}
    for rule_id, day, count in (
        decided.annotate(day=TruncDate("decided_at")).order_by().values_list("rule", "day").annotate(n=Count("pk"))
    ):
        found.setdefault(rule_id or 0, {})[day] = count
    return found


def _change(rule: Rule, before: Rule | None, *, moved: bool) -> str:
    if before is None:
        return _("new")
    if not _says_the_same(rule, before):
        return _("changed")
    if rule.name != before.name:
        return _("renamed")
    return _("moved") if moved else ""


def _says_the_same(rule: Rule, other: Rule) -> bool:
    """Whatever they are called, and however a single comparison is wrapped: the editor writes it as a list of one."""
    same = all(getattr(rule, name) == getattr(other, name) for name in CONTENT if name not in ("name", "condition"))
    return same and _listed(rule.condition) == _listed(other.condition)


def _listed(tree: dict[str, Any]) -> dict[str, Any]:
    if "fact" in tree:
        return {"all": [tree]}
    parts = tree.get("any")
    return {"all": parts} if isinstance(parts, list) and len(parts) == 1 else tree


def _moved(order: list[int], before: list[int], key: int) -> bool:
    """Whether a rule stands after one that it stood before, or the other way round."""
    return set(order[: order.index(key)]) != set(before[: before.index(key)])
