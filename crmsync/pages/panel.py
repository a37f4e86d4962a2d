"""The CRM part of a lead's page: the deal, how it stands with the CRM, and what would be sent next."""

from dataclasses import dataclass, field

from django.db.models import Q
from django.utils.translation import gettext as _

from crmsync.adapters.base import DEAL
from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for
from crmsync.models import Conflict, Connection, Handoff, Link, Opportunity, OutboxEntry
from crmsync.outgoing import NotMapped
from crmsync.services import joining
from crmsync.services.claim import OPEN
from crmsync.services.convert import deal_of
from crmsync.services.joining import OpenDeal
from crmsync.services.plan import plan_write
from leadmgmt.core.errors import ConfigurationError
from leads.models import Lead, LeadEvent, Stage


@dataclass(frozen=True)
class Waiting:
    """One entry on its way, with what it would change: field → (before, after)."""

    entry: OutboxEntry
    changes: dict[str, tuple[object, object]]
    problem: str


@dataclass(frozen=True)
class Panel:
    """The fragment. ``why_not`` says why there is no opportunity yet."""

    lead: Lead
    opportunity: Opportunity | None
    handoff: Handoff | None
    link: Link | None
    waiting: list[Waiting]
    conflicts: list[Conflict]
    why_not: str
    there: list[tuple[Link, str]] = field(default_factory=list)
    # An SQL whose company has deals already: what it could go into.
    deals: list[OpenDeal] = field(default_factory=list)
    has_joined: bool = False


def lead_panel(lead: Lead) -> Panel:
    """Gather it for the lead's newest opportunity."""
    opportunity = _shown(lead)
    if opportunity is None:
        deals = joining.open_deals(lead) if lead.stage == Stage.SQL else []
        return Panel(lead, None, None, None, [], [], "" if deals else _why_not(lead), deals=deals)
    links = list(Link.objects.filter(opportunity=opportunity).select_related("connection").order_by("pk"))
    # One that is on counts before one that is off.
    links.sort(key=lambda one: one.connection.mode == Connection.Mode.OFF)
    link = links[0] if links else None
    by_connection = {one.connection_id: one for one in links}
    open_entries = OutboxEntry.objects.filter(opportunity=opportunity, state__in=[*OPEN, OutboxEntry.State.DEAD])
    entries = list(open_entries.select_related("opportunity__lead__contact__company", "connection").order_by("seq")[:5])
    return Panel(
        lead=lead,
        opportunity=opportunity,
        handoff=Handoff.objects.filter(opportunity=opportunity).select_related("ae").order_by("-pk").first(),
        link=link,
        waiting=[planned_entry(entry, by_connection[entry.connection_id]) for entry in entries],
        conflicts=list(Conflict.objects.filter(link__in=links, resolved_at=None).order_by("-at")[:5]),
        why_not="",
        there=[(one, _page_of(one)) for one in links],
        has_joined=opportunity.lead_id != lead.pk,
    )


def _shown(lead: Lead) -> Opportunity | None:
    """The deal that the lead is in; otherwise, unless it is an SQL again, its last one."""
    if lead.stage == Stage.OPPORTUNITY:
        return deal_of(lead)
    if lead.stage == Stage.SQL:
        return None
    return Opportunity.objects.filter(Q(lead=lead) | Q(joined__lead=lead)).order_by("-created_at").first()


def _page_of(link: Link) -> str:
    """Where people look at the deal in the CRM, empty while it is not there or nobody knows."""
    if not link.remote_id:
        return ""
    try:
        adapter = adapter_for(link.connection)
    except ConfigurationError:
        return ""
    return adapter.page_of(DEAL, link.remote_id)


def planned_entry(entry: OutboxEntry, link: Link) -> Waiting:
    """What would be sent now; asks nobody."""
    try:
        adapter = adapter_for(entry.connection)
        plan = plan_write(entry, link, entry.connection, adapter, {})
        adapter.close()
    except (NotMapped, ConfigurationError, AdapterError) as error:
        return Waiting(entry, {}, str(error))
    return Waiting(entry, dict(plan.changes) if plan else {}, entry.error)


def _why_not(lead: Lead) -> str:
    if lead.stage == Stage.SQL:
        event = LeadEvent.objects.filter(lead=lead, kind="conversion.waiting").order_by("-at").first()
        return str(event.data.get("why", "")) if event else _("An SQL: it can become an opportunity now.")
    if lead.is_working:
        return _("No deal yet: it becomes one as soon as the lead is an SQL.")
    return _("This lead never became a deal.")
