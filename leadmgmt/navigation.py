"""Which pages the sidebar offers, in which order, and how the work that waits behind them is counted."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
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
            Entry("leads:duplicate_list", _("Duplicates"), "merge", "g u"),
            Entry("crmsync:handoff_list", _("Handoffs"), "handoff", "g h"),
            Entry("crmsync:board", _("Deals"), "board", "g d"),
        ),
    ),
    Group(
        "understand",
        _("Understand"),
        (
            Entry("reports:morning", _("This morning"), "clock", "g y"),
            Entry("reports:funnel", _("Funnel"), "funnel", "g f"),
            Entry("reports:speed", _("Speed"), "clock", "g s"),
            Entry("reports:sources", _("Sources and cost"), "chart", "g c"),
            Entry("reports:attribution", _("Attribution"), "merge", "g a"),
            Entry("reports:leaks", _("Leaks"), "alert", "g k"),
            Entry("reports:team", _("Team"), "person", "g t"),
        ),
    ),
    Group(
        "configure",
        _("Configure"),
        (
            Entry("routing:overview", _("Routing"), "route", "g r"),
            Entry("qualification:scoring", _("Scoring"), "chart", "g o"),
            Entry("leads:import_list", _("Imports"), "upload", "g m"),
            Entry("leads:channel_list", _("Channels"), "inbox", "g i"),
            Entry("source_list", _("Sources"), "globe", "g j"),
            Entry("qualification:nurture_list", _("Outreach"), "mail", "g x"),
            Entry("leads:provider_list", _("Enrichment"), "search", "g p"),
            Entry("setup", _("Setup"), "settings", "g e"),
        ),
    ),
)


COUNTED = ("qualification:queue", "crmsync:handoff_list")


def waiting(user: User) -> dict[str, int]:
    """What waits for this person behind each counted page, in one query: leads not put aside, handoffs to decide."""
    leads = Lead.objects.working().owned_by(user).awake(now())
    handoffs = Handoff.objects.filter(ae=user, status=Handoff.Status.OFFERED)
    counts = User.objects.filter(pk=user.pk).values_list(counted(leads), counted(handoffs)).get()
    return dict(zip(COUNTED, counts, strict=True))


def counted(rows: QuerySet[Any]) -> Coalesce:
    """How many rows there are, as a column of another query."""
    numbered = rows.order_by().annotate(_one=Value(1)).values("_one").annotate(_number=Count("pk"))
    return Coalesce(Subquery(numbered.values("_number")), 0)


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
