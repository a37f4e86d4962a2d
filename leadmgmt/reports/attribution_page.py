"""What the attribution page shows beside the figures: the groups, the scale, and the links to the deals' leads."""

from dataclasses import dataclass
from math import ceil, floor, log10
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from leadmgmt.reports.attribution import MODELS, Attribution, Channel
from leadmgmt.reports.attribution_words import joined
from leadmgmt.reports.said import ALL
from leads.cohort import NONE


@dataclass(frozen=True)
class Group:
    """Channels that stand together in the ranking."""

    label: str
    names: str
    note: str
    is_open: bool


def groups_of(found: Attribution) -> list[Group]:
    """Ahead, middle, and those whose order is open."""
    ahead, middle, rest = (found.group(name) for name in ("ahead", "middle", "open"))
    most = {"count": len(MODELS) // 2 + 1, "models": len(MODELS)}
    sure = _("Ahead of the others in at least %(count)d of %(models)d models.") % most
    return [
        Group(
            _("Ahead, for certain"), joined(ahead) if ahead else "", sure if ahead else _("Nobody for certain."), False
        ),
        Group(_("Middle"), joined(middle) if middle else "", sure if middle else _("Nobody for certain."), False),
        _last(found, rest),
    ]


def _last(found: Attribution, rest: list[Channel]) -> Group:
    """Those behind; several of them cannot be told apart."""
    if len(rest) == 1 and len(found.channels) > 1:
        most = {"count": len(MODELS) // 2 + 1, "models": len(MODELS)}
        behind = _("Behind the others in at least %(count)d of %(models)d models.") % most
        return Group(_("Behind"), joined(rest), behind, False)
    few = _("Too few wins to tell them apart: %(wins)d.") % {"wins": found.wins} if rest else ""
    return Group(_("Order open"), joined(rest) if rest else "", few, True)


def largest(found: Attribution) -> float:
    """The end of the axis on which all estimates are drawn: the highest interval, to two figures."""
    most = max((one.interval.high for channel in found.channels for one in channel.estimates), default=0.0)
    if most <= 0:
        return 1.0
    step = 10.0 ** (floor(log10(most)) - 1)
    return ceil(most / step) * step


def journey_url(found: Attribution, channel: Channel | None = None) -> str:
    """The lead list with the leads of won deals, of one channel or of all."""
    filters = found.filters
    who = ALL if channel is None else channel.slug or NONE
    if channel is not None and found.level == "campaign" and channel.name:
        # The same utm_campaign may belong to several sources.
        who = str(channel.key)
    days = (filters.first.isoformat() if filters.first else "", filters.last.isoformat() if filters.last else "")
    words = {"journey": "~".join((found.level, who, *days))}
    words |= {name: value for name in ("team", "rep") if (value := getattr(filters, name))}
    return f"{reverse('qualification:lead_list')}?{urlencode(words)}"
