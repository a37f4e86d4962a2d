"""Doing one thing to several leads, and taking all of it back."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.models import Lead, User
from qualification.services.snooze import resume_lead, snooze_lead
from routing.services.assign import assign_lead


@dataclass
class Outcome:
    """How many were changed, how many were left alone and why; ``undo`` is what `take_back` needs."""

    done: int = 0
    left: int = 0
    why: str = ""
    undo: dict[str, Any] = field(default_factory=dict)

    def refuse(self, why: str) -> None:
        """One more was left alone."""
        self.left, self.why = self.left + 1, why


def snooze_all(leads: Collection[int], until: datetime, *, by: User, at: datetime) -> Outcome:
    """Put them aside. Each lead is its own change: one that refuses stops no other."""
    outcome = Outcome(undo={"do": "snooze", "set": until.isoformat(), "rows": []})
    for lead in Lead.objects.filter(pk__in=leads).order_by("pk"):
        before = lead.snoozed_until.isoformat() if lead.snoozed_until else None
        try:
            snooze_lead(lead.pk, until, by=by, at=at)
        except DomainError as error:
            outcome.refuse(str(error))
            continue
        outcome.done += 1
        outcome.undo["rows"].append([lead.pk, before])
    return outcome


def assign_all(leads: Collection[int], taker: User, *, by: User, at: datetime) -> Outcome:
    """Give them to one rep. Each lead is its own change."""
    outcome = Outcome(undo={"do": "assign", "set": taker.pk, "rows": []})
    for lead in Lead.objects.filter(pk__in=leads).order_by("pk"):
        if lead.owner_id == taker.pk:
            continue
        try:
            assign_lead(lead.pk, taker, by=by, at=at)
        except DomainError as error:
            outcome.refuse(str(error))
            continue
        outcome.done += 1
        outcome.undo["rows"].append([lead.pk, lead.owner_id])
    return outcome


def take_back(undo: dict[str, Any], leads: Collection[int], *, by: User, at: datetime) -> Outcome:
    """Bring back what was before, for those of ``leads``. What somebody has changed since is left as it is now."""
    outcome = Outcome()
    rows = {lead: before for lead, before in undo["rows"] if lead in leads}
    for lead in Lead.objects.filter(pk__in=rows).order_by("pk"):
        try:
            if undo["do"] == "assign":
                _return(lead, undo["set"], rows[lead.pk], by, at)
            else:
                _wake(lead, undo["set"], rows[lead.pk], by, at)
        except DomainError as error:
            outcome.refuse(str(error))
            continue
        outcome.done += 1
    return outcome


class ChangedSince(DomainError):
    """Somebody did something else with the lead meanwhile."""

    code = "changed_since"


def _wake(lead: Lead, until: str, before: str | None, by: User, at: datetime) -> None:
    if lead.snoozed_until != parse_datetime(until):
        raise ChangedSince(_("it was changed since."))
    earlier = parse_datetime(before) if before else None
    if earlier and earlier > at:
        snooze_lead(lead.pk, earlier, by=by, at=at)
    else:
        resume_lead(lead.pk, by=by, at=at)


def _return(lead: Lead, taker: int, before: int | None, by: User, at: datetime) -> None:
    if lead.owner_id != taker:
        raise ChangedSince(_("it was changed since."))
    owner = User.objects.filter(pk=before, is_active=True).first() if before else None
    if owner is None:
        raise ChangedSince(_("nobody had it before."))
    assign_lead(lead.pk, owner, by=by, reason=_("Taken back"), at=at)
