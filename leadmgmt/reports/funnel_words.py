"""The funnel's first sentence: what changed or where leads are lost, said only as far as the figures carry it."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.formats import number, percent
from leadmgmt.reports import counted
from leadmgmt.reports.funnel import STAGES, Funnel, Step

NAMES = {"new": "Captured", "mql": "MQL", "sql": "SQL", "opportunity": "Opportunity", "won": "Won"}


@dataclass(frozen=True)
class Sentence:
    """The finding, and what has to be known with it."""

    finding: str
    rest: str


def sentence(funnel: Funnel) -> Sentence:
    """What a person would say first about this funnel."""
    if funnel.is_empty:
        return Sentence(_("No lead was first seen in this period."), _("Choose a longer one."))
    if funnel.before and funnel.before.captured:
        return _compared(funnel)
    return Sentence(_summary(funnel), " ".join(filter(None, [_worst(funnel), _still_open(funnel)])))


def points(value: float) -> str:
    """A difference of shares in points with its sign: +5.5."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{number(abs(value) * 100, 1)}"


def step_name(step: Step) -> str:
    """“SQL to opportunity”."""
    names = {
        "new": _("Captured to MQL"),
        "mql": _("MQL to SQL"),
        "sql": _("SQL to opportunity"),
        "opportunity": _("Opportunity to won"),
    }
    return names[step.stage]


def _compared(funnel: Funnel) -> Sentence:
    changed = [step for step in funnel.steps if step.change and not step.change.is_noise]
    against = funnel.previous.label if funnel.previous else ""
    if not changed:
        finding = _("No step differs from %(period)s by more than chance.") % {"period": against}
        return Sentence(finding, f"{_summary(funnel)} {_still_open(funnel)}".strip())
    step = max(changed, key=lambda found: abs(found.change.points) if found.change else 0)
    change = step.change.points if step.change else 0.0
    pattern = _("%(step)s rose by %(points)s points.") if change > 0 else _("%(step)s fell by %(points)s points.")
    finding = pattern % {"step": step_name(step), "points": number(abs(change) * 100, 1)}
    rest = _("Against %(period)s, both looked at when their leads were as old.") % {"period": against}
    others = [step_name(other) for other in funnel.steps if other.change and other.change.is_noise]
    if others:
        rest += " " + _("The differences of the other steps may be chance: %(steps)s.") % {"steps": ", ".join(others)}
    return Sentence(finding, f"{rest} {_still_open(funnel)}".strip())


def _summary(funnel: Funnel) -> str:
    total = funnel.total
    return _("%(leads)s: %(sql)s, %(won)s.") % {
        "leads": counted.leads(total.captured),
        "sql": counted.became_sql(total.sql),
        "won": counted.were_won(total.won),
    }


def _worst(funnel: Funnel) -> str:
    """The step at which most leads leave, among those that at least 30 leads have tried."""
    tried = [step for step in funnel.steps if step.rate is not None and step.count >= 30]
    if not tried:
        return _("That is too few to speak of rates.")
    lost = {step: sum(way.count for way in step.exits if way.ending != "open") for step in tried}
    step = max(tried, key=lambda found: lost[found])
    if not lost[step]:
        return _("Nobody has left yet.")
    return _("Most leave before %(stage)s: %(count)s, that is %(share)s of those who got that far.") % {
        "stage": _(NAMES[STAGES[STAGES.index(step.stage) + 1]]).replace("Opportunity", _("the opportunity")),
        "count": number(lost[step]),
        "share": percent(lost[step] / step.count),
    }


def _still_open(funnel: Funnel) -> str:
    deals = next((way.count for step in funnel.steps if step.stage == "opportunity" for way in step.exits
                  if way.ending == "open"), 0)  # fmt: skip
    if not deals:
        return ""
    return ngettext(
        "%(count)s opportunity is still open, so the win rate may still rise.",
        "%(count)s opportunities are still open, so the win rate may still rise.",
        deals,
    ) % {"count": number(deals)}
