"""Deals that stand apart from their record: it was deleted or merged there, or nobody knows which it is.

Nothing of ours changes by that (CRM_CONTRACT 10). It is written into the lead's history and told to whoever works on
the deal; nothing is sent until somebody has decided (`crmsync.services.reunite`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from crmsync.models import AuditRow, Link, Opportunity
from leads.events import record_event
from routing.services.notify import tell

KIND = "crm.apart"
EVENT = "opportunity.apart"
TOGETHER: Mapping[str, Any] = {"apart_at": None, "apart_why": "", "kept_at": None, "merged_into": ""}


def set_apart(link: Link, state: Link.State, at: datetime, *, why: str = "", into: str = "") -> bool:
    """Note that a link stands apart; False where it does so already in this way. Safe to do twice and at once.

    ``why``: a kept sentence that says more than the state. ``into``: the record that it was merged into.
    """
    with transaction.atomic():
        row = Link.objects.filter(pk=link.pk).exclude(state=state, merged_into=into)
        how = {"state": state, "merged_into": into, "apart_at": at, "apart_why": why, "kept_at": None}
        if not row.update(**how):
            return False
        for name, value in how.items():
            setattr(link, name, value)
        opportunity = Opportunity.objects.select_related("lead", "owner").get(pk=link.opportunity_id)
        _write_down(link, opportunity, at)
        if opportunity.owner is not None and opportunity.stage == Opportunity.Stage.OPEN:
            context = {"opportunity": opportunity.pk, "crm": link.connection.name, "state": str(state)}
            tell(opportunity.owner, KIND, f"apart:{link.pk}:{at.isoformat()}", opportunity.lead, context=context, at=at)
    return True


def _write_down(link: Link, opportunity: Opportunity, at: datetime) -> None:
    """In the lead's history, and in the audit with the rule that stops it."""
    AuditRow.objects.create(
        connection_id=link.connection_id,
        link=link,
        at=at,
        direction="pull",
        verdict="held",
        rule=str(link.state),
        changes={"into": link.merged_into, "why": link.apart_why},
        actor="leadmgmt",
    )
    data = {"opportunity": str(opportunity.uuid), "crm": link.connection.name, "state": str(link.state)}
    record_event(opportunity.lead, EVENT, at=at, by=f"crm:{link.connection.slug}", data=data)


def undecided() -> QuerySet[Link]:
    """Links of open deals that stand apart and about which nobody has decided."""
    return Link.objects.filter(apart_at__isnull=False, kept_at=None, opportunity__stage=Opportunity.Stage.OPEN)


def merged_into(link: Link) -> QuerySet[Link]:
    """Other deals of ours whose record was merged into this one's, while nobody has said whether they are one."""
    return undecided().filter(connection=link.connection_id, state=Link.State.MERGED, merged_into=link.remote_id or "-")
