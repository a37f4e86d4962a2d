"""Deals that stand apart from their record in the CRM, with what a person can decide about each."""

from collections.abc import Sequence
from dataclasses import dataclass

from crmsync.models import Link
from crmsync.services.apart import undecided
from crmsync.services.handoff import REFUSED_LOSS
from crmsync.services.reunite import Decision, choices_for, twins_of
from leads.models import Reason

MOST_ROWS = 50


@dataclass(frozen=True)
class Apart:
    """One deal. ``twin``: our deal that its record was merged into; ``choices``: the likeliest first."""

    link: Link
    twin: Link | None
    choices: Sequence[Decision]

    @property
    def may_close(self) -> bool:
        """Whether it can be closed here as lost."""
        return Decision.CLOSE in self.choices

    @property
    def buttons(self) -> list[Decision]:
        """What takes one click."""
        return [one for one in self.choices if one is not Decision.CLOSE]


def apart_page() -> list[Apart]:
    """Those that nobody has decided about, longest first."""
    rows = undecided().select_related("connection", "opportunity__owner").order_by("apart_at", "pk")[:MOST_ROWS]
    links = list(rows)
    twins = twins_of(links)
    return [Apart(link, twins.get(link.pk), choices_for(link, twins.get(link.pk))) for link in links]


def closing_reasons() -> list[Reason]:
    """Why a deal that is closed here may have been lost."""
    reasons = Reason.objects.filter(kind=Reason.Kind.LOST, is_active=True).exclude(code=REFUSED_LOSS)
    return list(reasons.order_by("position", "pk"))
