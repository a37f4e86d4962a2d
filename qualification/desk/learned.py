"""What the learned chance of a lead rests on, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language, ngettext

from leads.facts import fact_named
from qualification.models import Score
from qualification.prediction.encode import NOW, days_before
from qualification.services.predicting import champion
from routing.words import fact_value

MOST_EACH_WAY = 3


@dataclass(frozen=True)
class Because:
    """One fact with what it does to the chance, in points of a hundred."""

    label: str
    value: str
    points: float


@dataclass(frozen=True)
class Learned:
    """Why the chance is what it is: what raises it and what lowers it, the strongest first, and the version."""

    version: int
    up: list[Because]
    down: list[Because]


def learned(score: Score | None) -> Learned | None:
    """The reasons of a score's chance; None where it was not predicted by the version that predicts now."""
    best = champion() if score is not None and score.prediction_id else None
    if score is None or best is None or best.pk != score.prediction_id:
        return None
    facts = score.all_facts
    found = [
        Because(fact_label(one.fact), fact_words(one.fact, facts), 100 * one.shift)
        for one in best.predictor.influences(facts)
    ]
    up = [one for one in found if one.points > 0][:MOST_EACH_WAY]
    down = [one for one in found if one.points < 0][:MOST_EACH_WAY]
    return Learned(best.version, up, down)


def fact_label(name: str) -> str:
    """A fact's name for the reader, with a capital."""
    fact = fact_named(name)
    label = fact.label(get_language() or "") if fact else name
    return label[:1].upper() + label[1:]


def fact_words(name: str, facts: Mapping[str, Any]) -> str:
    """What a lead's facts say there, as people read it."""
    value, fact = facts.get(name), fact_named(name)
    if value and fact is not None and fact.kind == "time":
        days = round(days_before(value, facts.get(NOW)) or 0)
        return ngettext("%(count)d day before", "%(count)d days before", days) % {"count": days}
    return fact_value(value)[:60]
