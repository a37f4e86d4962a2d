"""Which pages the sidebar offers, in which order, and how the work that waits behind them is counted."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crmsync.models import Handoff
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, AE, MANAGER, MARKETING, SDR, TEAM_LEAD
from leads.models import Lead, User


@dataclass(frozen=True)
class Entry:
    """A page by its URL name; shown to whom its view opens to (role_required)."""

    name: str
    label: str | Promise
    icon: str
    keys: str = ""


@dataclass(frozen=True)
class Group:
    """Pages under one heading."""

    key: str
    heading: str | Promise
    entries: tuple[Entry, ...]


GROUPS = (
    Group(
        "work",
        _("Work"),
        (
            Entry("qualification:queue", _("Queue"), "queue", "g q"),
            Entry("qualification:lead_list", _("Leads"), "people", "g l"),
            Entry("crmsync:handoff_list", _("Handoffs"), "handoff", "g h"),
            Entry("crmsync:board", _("Deals"), "board", "g d"),
        ),
    ),
    Group(
        "understand",
        _("Understand"),
        (
            Entry("reports:funnel", _("Funnel"), "funnel", "g f"),
            Entry("reports:speed", _("Speed"), "clock", "g s"),
            Entry("reports:sources", _("Sources and cost"), "chart", "g c"),
            Entry("reports:team", _("Team"), "person", "g t"),
        ),
    ),
    Group(
        "configure",
        _("Configure"),
        (
            Entry("routing:overview", _("Routing"), "route", "g r"),
            Entry("setup", _("Setup"), "settings", "g e"),
        ),
    ),
)


def waiting_leads(user: User) -> int:
    """Leads in this person's queue that are not snoozed."""
    return Lead.objects.working().owned_by(user).exclude(snoozed_until__gt=now()).count()


def waiting_handoffs(user: User) -> int:
    """Handoffs that this person has to accept or refuse."""
    return Handoff.objects.filter(ae=user, status=Handoff.Status.OFFERED).count()


COUNTS: dict[str, Callable[[User], int]] = {
    "qualification:queue": waiting_leads,
    "crmsync:handoff_list": waiting_handoffs,
}


def role_name(roles: frozenset[str]) -> str:
    """The role that says most about a person who holds several."""
    names = {
        ADMIN: gettext("Admin"),
        MANAGER: gettext("Manager"),
        TEAM_LEAD: gettext("Team lead"),
        MARKETING: gettext("Marketing"),
        AE: "AE",
        SDR: "SDR",
    }
    return next((name for role, name in names.items() if role in roles), "")
