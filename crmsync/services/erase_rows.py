"""What the sync keeps of a person, emptied; and what CRMs keep, by the same outbox as every change, and by people.

A deal stays in the CRM: it is the company's, and no deletion crosses by itself (CRM_CONTRACT 10). What we wrote into it
about the person is written over with nothing. A contact there is a task for whoever may delete it.
"""

from typing import Any

from django.db.models import Q

from crmsync import board
from crmsync.fields import OWNERS, Owner
from crmsync.models import (
    AuditRow,
    Conflict,
    DryRun,
    Handoff,
    InboxEvent,
    Joined,
    Link,
    Opportunity,
    OutboxEntry,
    Parent,
)
from crmsync.services.claim import OPEN
from crmsync.services.outbox import ERASE, UPSERT, record_change
from crmsync.services.push import MODES
from leads.erasure import Sweep

# What we write about a person; the rest of what is ours tells of money and sources.
ABOUT_THEM = ("name", "contact", "contact_email", "contact_phone", "summary", "history", "consent", "brief")
OURS = frozenset(name for name, owner in OWNERS.items() if owner is Owner.OURS)


def erase_rows(sweep: Sweep) -> None:
    """Deals whose lead they are, and those that they joined."""
    theirs = Opportunity.objects.filter(lead__in=sweep.subject.leads)
    joined = Opportunity.objects.filter(joined__in=Joined.objects.filter(lead__in=sweep.subject.leads))
    deals = list(Opportunity.objects.select_for_update().filter(Q(pk__in=theirs) | Q(pk__in=joined)).order_by("pk"))
    for deal in deals:
        if deal.lead_id in sweep.subject.leads:
            company = deal.lead.contact.company
            deal.name = company.name if company is not None else f"#{deal.pk}"
            deal.save(update_fields=["name"])
    sweep.note("deals", len(deals))
    Handoff.objects.filter(opportunity__in=deals).update(note="")
    links = list(Link.objects.filter(opportunity__in=deals).select_related("connection"))
    _rows(sweep, links, deals)
    for deal in deals:
        record_change(deal, ABOUT_THEM, at=sweep.at, op=ERASE)
    _others(sweep, links)


def _rows(sweep: Sweep, links: list[Link], deals: list[Opportunity]) -> None:
    """Copies of values, on their way or long arrived."""
    for link in links:
        # Where something is sent, what was sent before is written over with it, and compared with until then.
        if not _is_told(link):
            link.shadow = {name: value for name, value in link.shadow.items() if name not in ABOUT_THEM}
    Link.objects.bulk_update(links, ["shadow"])
    count = AuditRow.objects.filter(link__in=links).update(changes={})
    conflicts = Conflict.objects.filter(link__in=links)
    conflicts.filter(resolved_at=None).update(resolved_at=sweep.at)
    count += conflicts.update(ours=None, theirs=None)
    entries = OutboxEntry.objects.filter(opportunity__in=deals)
    count += entries.exclude(error="").update(error="")
    # What was on its way would keep in the audit what stood there before.
    entries.filter(op=UPSERT, state__in=OPEN).update(op=ERASE)
    for link in links:
        if link.remote_id:
            count += _states(link)
    DryRun.objects.filter(connection__in={link.connection_id for link in links}).update(rows=[])
    sweep.note("sync", count)


def _is_told(link: Link) -> bool:
    """Whether a change of ours goes there by itself."""
    return link.apart_at is None and link.connection.mode in MODES


def _states(link: Link) -> int:
    """What was read of the record: when it was changed stays, what stood in it goes."""
    events = list(InboxEvent.objects.filter(connection=link.connection_id, remote_id=link.remote_id or ""))
    for event in events:
        event.body = _without_values(event.body)
        event.error = ""
    InboxEvent.objects.bulk_update(events, ["body", "error"], batch_size=500)
    return len(events)


def _without_values(body: dict[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in body.get("values", {}).items() if name not in OURS}
    return body | {"values": values, "modified_by": ""}


def _others(sweep: Sweep, links: list[Link]) -> None:
    """What only others can delete, by its id there."""
    for link in links:
        if link.connection.adapter == "local" and link.remote_id:
            board.forget_notes(link.remote_id)
        if link.remote_id and not _is_told(link):
            sweep.ask(link.connection.name, f"deal {link.remote_id}")
    parents = Parent.objects.filter(contact__in=sweep.subject.contacts).exclude(remote_id=None)
    for parent in parents.select_related("connection"):
        sweep.ask(parent.connection.name, f"contact {parent.remote_id}")
