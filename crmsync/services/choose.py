"""Which AE gets the next handoff, and why: the account's owner, else one whom a rule names, else any.

Of several it is whoever has least on the table.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmsync.models import HandoffRule, Opportunity
from leadmgmt.core.errors import DomainError
from leadmgmt.core.permissions import AE
from leads.conditions import parse
from leads.facts import lead_facts
from leads.models import Lead, User
from routing.models import Absence

# "ae c" as a number: choices are made one after another, so that two at once do not pick the same person.
CHOICE_LOCK = 0x61652063


class NoAe(DomainError):
    """There is nobody to hand the opportunity to."""

    code = "no_ae"


@dataclass(frozen=True)
class Choice:
    """An AE, and why as it is stored; `why_sentence` words it."""

    ae: User
    why: str


def choose_ae(lead: Lead, at: datetime) -> Choice:
    """Pick the AE. Inside a transaction, with the lead locked; holds a lock on choosing until the end of it.

    Raises NoAe with a sentence that says whether there is no AE at all or all of them are away.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHOICE_LOCK])
    everybody = User.objects.filter(is_active=True, groups__name=AE)
    away = Absence.objects.filter(starts_at__lte=at, ends_at__gt=at).values("rep__user")
    present = everybody.exclude(pk__in=away).exclude(rep__is_accepting=False)
    company = lead.contact.company
    if company and company.keeper_id and (owner := present.filter(pk=company.keeper_id).first()):
        return Choice(owner, json.dumps({"by": "account"}))
    for rule in _fitting(lead, at):
        if among := _ranked(present.filter(pk__in=rule.people.all())):
            return Choice(among[0], json.dumps({"by": "rule", "segment": rule.segment.name, "among": len(among)}))
    ranked = _ranked(present)
    if not ranked:
        sentence = _("Every AE is away.") if everybody.exists() else _("Nobody has the role AE yet.")
        raise NoAe(sentence + " " + _("The lead stays an SQL and is handed over as soon as one can take it."))
    best = ranked[0]
    tie = len(ranked) > 1 and ranked[1].open_deals == best.open_deals
    why = {"by": "load", "open": best.open_deals, "among": len(ranked), "tie": tie}
    return Choice(best, json.dumps(why))


def _fitting(lead: Lead, at: datetime) -> Iterator[HandoffRule]:
    """The rules whose segment the lead belongs to, in their order."""
    rules = list(HandoffRule.objects.select_related("segment"))
    facts = lead_facts(lead, at) if rules else {}
    return (rule for rule in rules if parse(rule.segment.condition).holds(facts))


def _ranked(people: QuerySet[User]) -> list[Any]:
    """Fewest open deals first; of those whoever was offered one longest ago."""
    return list(
        people.annotate(
            open_deals=Count("opportunities", filter=Q(opportunities__stage=Opportunity.Stage.OPEN), distinct=True),
            last_offer=Max("handoffs__offered_at"),
        ).order_by("open_deals", F("last_offer").asc(nulls_first=True), "pk")
    )


def someone_is_there(at: datetime) -> bool:
    """Whether any AE could take a handoff now."""
    away = Absence.objects.filter(starts_at__lte=at, ends_at__gt=at).values("rep__user")
    present = User.objects.filter(is_active=True, groups__name=AE).exclude(pk__in=away)
    return present.exclude(rep__is_accepting=False).exists()


def why_sentence(why: str) -> str:
    """Why this AE, for the AE."""
    try:
        told = json.loads(why)
    except ValueError:
        return why
    if told.get("by") == "account":
        return _("Yours because you own the account.")
    if told.get("by") == "rule":
        return _("Yours by the rule for %(segment)s.") % {"segment": told.get("segment", "")}
    if told.get("by") != "load":
        return ""
    if told.get("among", 1) < 2:
        return _("Yours because no other AE could take it.")
    deals = ngettext("%(count)d open deal", "%(count)d open deals", told["open"]) % {"count": told["open"]}
    if told.get("tie"):
        return _("Yours: of %(among)d AEs with as few as %(deals)s, your last handoff is longest ago.") % {
            "among": told["among"],
            "deals": deals,
        }
    return _("Yours because you had %(deals)s, the fewest of %(among)d AEs.") % {
        "deals": deals,
        "among": told["among"],
    }
