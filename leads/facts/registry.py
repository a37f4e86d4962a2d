"""Which facts there are, and reading them for one lead or many."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, F, QuerySet, Window

from leads.configuration import Kept, looked_at_once
from leads.facts.attributes import ATTRIBUTES
from leads.facts.base import BASE
from leads.facts.fact import Bundle, Fact, Family
from leads.facts.lists import LISTS
from leads.facts.places import TERRITORIES
from leads.models import Channel, Contact, Lead, Team, Touchpoint

FACTS: dict[str, Fact] = {fact.name: fact for fact in BASE}
FAMILIES: dict[str, Family] = {family.prefix: family for family in (ATTRIBUTES, TERRITORIES, LISTS)}
NOW = "now"
# Kept with a decision so that a replay knows who owned the account then; no fact to ask for.
OWNER = "company.owner_id"
RELATED = ("contact", "source", "campaign", "channel", "team")
MOST_TOUCHES = 500

_channels = Kept(Channel.objects.in_bulk, "leads_channel")
_teams = Kept(Team.objects.in_bulk, "leads_team")


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


def listed_facts() -> list[Fact]:
    """All facts to choose from, those of families among them whose names are known."""
    return [*FACTS.values(), *(fact for family in FAMILIES.values() for fact in family.listed())]


def lead_facts(lead: Lead, at: datetime) -> dict[str, Any]:
    """Everything known about one lead at ``at``, JSON-able; an unknown fact is None.

    Reads the database afresh, unless somebody holds the lead (`hold`).

    ``facts["now"]`` is ``at``, so that a condition about ages can be checked again later with the same result.
    """
    held: Held | None = lead.held
    return facts_of([lead.pk], at)[lead.pk] if held is None else held.facts(lead, at)


class Held:
    """What surrounds a locked lead, read once for the steps of one transaction, which all ask for its facts."""

    def __init__(self) -> None:
        self._touches: list[Touchpoint] | None = None
        self._of_families: dict[str, Any] | None = None

    def touches(self, lead: Lead) -> list[Touchpoint]:
        """The newest touches, newest first."""
        if self._touches is None:
            self._touches = _newest_touches(lead)
        return self._touches

    def facts(self, lead: Lead, at: datetime) -> dict[str, Any]:
        """The lead's own row, and its contact's if it was read already, count as they are in memory."""
        touches = self.touches(lead)
        count = len(touches) if len(touches) < MOST_TOUCHES else lead.touchpoints.count()
        bundle = Bundle(lead, at, count, touches[0] if touches else None)
        if self._of_families is None:
            _relate(lead)
            self._of_families = _of_families([bundle]).get(lead.pk, {})
        return _of_bundle(bundle) | self._of_families


def newest_touches(lead: Lead) -> list[Touchpoint]:
    """The lead's newest touches, at most MOST_TOUCHES, newest first; read once where somebody holds the lead."""
    held: Held | None = lead.held
    return _newest_touches(lead) if held is None else held.touches(lead)


def _newest_touches(lead: Lead) -> list[Touchpoint]:
    return list(lead.touchpoints.order_by("-at", "-pk")[:MOST_TOUCHES])


def _relate(lead: Lead) -> None:
    """Load what the facts of one lead speak of, where it is not in memory yet."""
    known = lead._state.fields_cache
    if "contact" not in known:
        lead.contact = Contact.objects.select_related("company").get(pk=lead.contact_id)
    if lead.source_id and ("source" not in known or "campaign" not in known):
        row = Lead.objects.only("source", "campaign").select_related("source", "campaign").get(pk=lead.pk)
        lead.source, lead.campaign = row.source, row.campaign
    lead.channel = _channels()[lead.channel_id]
    if lead.team_id:
        lead.team = _teams()[lead.team_id]


def hold(lead: Lead) -> None:
    """From now on `lead_facts` reads once what surrounds this lead, whose lock the caller has."""
    lead.held = Held()


def facts_of(lead_ids: Iterable[int], at: datetime) -> dict[int, dict[str, Any]]:
    """The facts of many leads, in as many queries as for one."""
    bundles = _bundles(list(lead_ids), at)
    of_families = _of_families(bundles)
    return {bundle.lead.pk: _of_bundle(bundle) | of_families.get(bundle.lead.pk, {}) for bundle in bundles}


def _of_bundle(bundle: Bundle) -> dict[str, Any]:
    company = bundle.lead.contact.company
    known = {NOW: bundle.at.isoformat(), OWNER: company.keeper_id if company else None}
    return known | {name: fact.read(bundle) for name, fact in FACTS.items() if fact.read}


def _of_families(bundles: list[Bundle]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    with looked_at_once():
        for family in FAMILIES.values():
            for lead_id, values in family.load(bundles).items():
                found.setdefault(lead_id, {}).update(values)
    return found


def _bundles(lead_ids: list[int], at: datetime) -> list[Bundle]:
    leads = Lead.objects.filter(pk__in=lead_ids).select_related("contact__company__parent", *RELATED)
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
