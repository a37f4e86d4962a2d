"""The page of the ideal customer profile: each trait in words with its lift as a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from leads.models import Lead, Reason, User
from qualification.desk.learned import fact_label
from qualification.models import IcpVersion
from qualification.services.icp import Drifted, effect_of

# The picture goes from a quarter to four times as often, equal steps for equal factors.
WIDTH, FACTOR = 120.0, 4.0
MOST_TRAITS = 25
MOST_LEADS = 30


@dataclass(frozen=True)
class Trait:
    """One trait: how often its deals are won beside all others, and where that is drawn."""

    label: str
    value: str
    won: int
    deals: int
    rate: float
    other_rate: float
    lift: float
    low: float
    high: float
    is_sure: bool
    points: int
    reason: str
    reason_deals: int
    x: str
    left: str
    right: str


@dataclass(frozen=True)
class Moved:
    """An open lead that would get another grade; ``lead`` is None where the reader may not see it."""

    lead: Lead | None
    before: str
    after: str


@dataclass(frozen=True)
class Effect:
    """What adopting a profile does to open leads."""

    looked: int
    changed: int
    moved: list[Moved]
    is_sample: bool


def traits(icp: IcpVersion) -> list[Trait]:
    """The traits, those that are sure first, each kind by its lift."""
    # Where a code means several things, that of a lost deal is the last one and stays.
    rows_of_reasons = sorted(Reason.objects.all(), key=lambda reason: reason.kind == Reason.Kind.LOST)
    reasons = {reason.code: reason.label for reason in rows_of_reasons}
    rows = sorted(icp.traits, key=lambda one: (not one["is_sure"], -one["lift"] if one["is_sure"] else one["chance"]))
    return [
        Trait(
            label=fact_label(one["fact"]),
            value=one["value"],
            won=one["won"],
            deals=one["deals"],
            rate=one["won"] / one["deals"],
            other_rate=one["other_won"] / one["other_deals"],
            lift=one["lift"],
            low=one["low"],
            high=one["high"],
            is_sure=one["is_sure"],
            points=one["points"],
            reason=reasons.get(one["reason"], one["reason"]),
            reason_deals=one["reason_deals"],
            x=_place(one["lift"]),
            left=_place(one["low"]),
            right=_place(one["high"]),
        )
        for one in rows[:MOST_TRAITS]
    ]


def _place(lift: float) -> str:
    """Where a lift stands between the edges of the picture."""
    share = 0.5 + math.log(max(lift, 1e-6)) / (2 * math.log(FACTOR))
    return f"{WIDTH * min(1.0, max(0.0, share)):.1f}"


def effect(icp: IcpVersion, reader: User, at: datetime) -> Effect | None:
    """What adopting it would do now, with the leads that the reader may see."""
    found = effect_of(icp, at)
    if found is None:
        return None
    changed = found.changed[:MOST_LEADS]
    seen = Lead.objects.visible_to(reader).filter(pk__in=[one.lead_id for one in changed]).select_related("contact")
    leads = {lead.pk: lead for lead in seen}
    moved = [Moved(leads.get(one.lead_id), one.before.grade if one.before else "", one.after.grade) for one in changed]
    return Effect(len(found.judged), len(found.changed), moved, found.is_sample)


def drift_words(found: Sequence[Drifted]) -> list[str]:
    """What has changed since the profile was adopted, a sentence each."""
    said = []
    for one in found:
        words = {"trait": f"{fact_label(one.fact)} {one.value}".strip()}
        if one.was == 0:
            said.append(_("%(trait)s has become sure.") % words)
        elif one.now == 0:
            said.append(_("%(trait)s is sure no longer.") % words)
        else:
            said.append(_("%(trait)s has turned round.") % words)
    return said
