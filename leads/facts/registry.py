"""Which facts there are, and reading them for one lead or many."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, F, QuerySet, Window

from leads.facts.attributes import ATTRIBUTES
from leads.facts.base import BASE
from leads.facts.fact import Bundle, Fact, Family
from leads.models import Lead, Touchpoint

FACTS: dict[str, Fact] = {fact.name: fact for fact in BASE}
FAMILIES: dict[str, Family] = {ATTRIBUTES.prefix: ATTRIBUTES}
NOW = "now"


def register_fact(fact: Fact) -> None:
    """Add a fact of a higher app (from its AppConfig.ready). Registering a name again replaces it."""
    FACTS[fact.name] = fact


def register_family(family: Family) -> None:
    """Add facts of a higher app whose names are not known in advance."""
    FAMILIES[family.prefix] = family


def fact_named(name: str) -> Fact | None:
    """The fact called ``name``, also one of a family; None if there is none."""
    if known := FACTS.get(name):
        return known
    prefix, _, key = name.partition(".")
    family = FAMILIES.get(prefix)
    return family.make(key) if family and key else None


def lead_facts(lead: Lead, at: datetime) -> dict[str, Any]:
    """Everything known about one lead at ``at``, JSON-able; an unknown fact is None. Reads the database afresh.

    ``facts["now"]`` is ``at``, so that a condition about ages can be checked again later with the same result.
    """
    return facts_of([lead.pk], at)[lead.pk]


def facts_of(lead_ids: Iterable[int], at: datetime) -> dict[int, dict[str, Any]]:
    """The facts of many leads, in as many queries as for one."""
    bundles = _bundles(list(lead_ids), at)
    found: dict[int, dict[str, Any]] = {
        bundle.lead.pk: {NOW: at.isoformat()} | {name: fact.read(bundle) for name, fact in FACTS.items() if fact.read}
        for bundle in bundles
    }
    for family in FAMILIES.values():
        for lead_id, values in family.load(bundles).items():
            found[lead_id] |= values
    return found


def _bundles(lead_ids: list[int], at: datetime) -> list[Bundle]:
    leads = Lead.objects.filter(pk__in=lead_ids).select_related(
        "contact__company", "source", "campaign", "channel", "owner", "team"
    )
    touches = {touch.lead_id: (touch, touch.touches) for touch in _last_touches(lead_ids)}
    bundles = []
    for lead in leads:
        last, count = touches.get(lead.pk, (None, 0))
        bundles.append(Bundle(lead, at, count, last))
    return bundles


def _last_touches(lead_ids: list[int]) -> QuerySet[Touchpoint, Any]:
    """The newest touch of each lead, with how many there are."""
    return (
        Touchpoint.objects.filter(lead__in=lead_ids)
        .annotate(touches=Window(Count("pk"), partition_by=F("lead")))
        .order_by("lead", "-at", "-pk")
        .distinct("lead")
    )
