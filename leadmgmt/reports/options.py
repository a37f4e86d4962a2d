"""What the filters of a report offer."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from leadmgmt.core.permissions import SDR, TEAM_LEAD
from leadmgmt.reports.filters import Filters, Preset, presets, today
from leads.cohort import NONE
from leads.models import Campaign, Source, Team, User


@dataclass(frozen=True)
class Option:
    """One choice of one filter."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Choice:
    """One filter with its choices; the first one is “all”."""

    name: str
    label: str
    options: tuple[Option, ...]

    @property
    def is_set(self) -> bool:
        """Whether something is chosen."""
        return any(option.chosen and option.value for option in self.options)


@dataclass(frozen=True)
class PresetLink:
    """A period to click on."""

    label: str
    address: str
    chosen: bool


def preset_links(filters: Filters) -> list[PresetLink]:
    """The periods offered, with their addresses."""
    return [_link(filters, preset) for preset in presets(today())]


def _link(filters: Filters, preset: Preset) -> PresetLink:
    chosen = (filters.first, filters.last) == (preset.first, preset.last)
    return PresetLink(preset.label, filters.address(first=preset.first, last=preset.last), chosen)


def choices(filters: Filters, but: Sequence[str] = ()) -> list[Choice]:
    """All filters beside the period, except those named."""
    sources = [(source.slug, source.name) for source in Source.objects.filter(folded_into=None)]
    teams = [(team.slug, team.name) for team in Team.objects.all()]
    people = User.objects.filter(groups__name__in=[SDR, TEAM_LEAD]).distinct().order_by("first_name", "last_name")
    reps = [(str(user.pk), str(user)) for user in people]
    found = [
        _choice("team", _("All teams"), teams, filters.team),
        _choice("rep", _("All reps"), reps, filters.rep),
        _choice("source", _("All sources"), [*sources, (NONE, _("No source given"))], filters.source),
    ]
    if filters.source and filters.source != NONE:
        campaigns = Campaign.objects.filter(source__slug=filters.source).order_by("name")
        pairs = [(campaign.key, campaign.name) for campaign in campaigns]
        found.append(_choice("campaign", _("All campaigns"), pairs, filters.campaign))
    return [one for one in found if one.name not in but]


def _choice(name: str, everything: str, pairs: list[tuple[str, str]], value: str) -> Choice:
    options = [Option("", everything, not value)]
    options += [Option(key, label, key == value) for key, label in pairs]
    if value and not any(option.chosen for option in options):
        options.append(Option(value, value, chosen=True))
    return Choice(name, everything, tuple(options))
