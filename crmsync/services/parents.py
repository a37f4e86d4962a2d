"""Company and person of a deal in a CRM that keeps them as records of their own: found there, or made, once.

They are never matched by guess: one candidate is taken where an admin has allowed it, several are a person's matter,
and nothing is made while a candidate stands there (CRM_CONTRACT 8.4).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from crmsync.adapters.base import COMPANY, CONTACT, DEAL, Adapter, Associate, Remote, Upsert
from crmsync.adapters.errors import AdapterError, Ambiguous, PartialWrite
from crmsync.models import Connection, Link, Opportunity, Parent
from crmsync.services.claim import DEADLINE, Claim, fence, settle
from crmsync.services.failures import NeedsPerson
from crmsync.services.people import people_of
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leads.models import Company, Contact, Organisation

TAKES = "adopt_matches"
UNCERTAIN = (Ambiguous, PartialWrite)
A_MOMENT = timedelta(seconds=2)


class Lapsed(Exception):
    """The lease ended meanwhile: another worker goes on."""


class NotYet(Exception):
    """An uncertain write may still arrive: nothing is made before ``until``."""

    def __init__(self, until: datetime) -> None:
        super().__init__(worded("An earlier try may still arrive in the CRM."))
        self.until = until


def parents_of(claim: Claim, connection: Connection, adapter: Adapter) -> dict[str, str]:
    """Kind → id in the CRM of what the deal belongs to. Raises NeedsPerson, NotYet, Lapsed, AdapterError."""
    wanted = adapter.capabilities().parents
    if not wanted:
        return {}
    opportunity = Opportunity.objects.select_related("lead__contact__company").get(pk=claim.entry.opportunity_id)
    contact = opportunity.lead.contact
    found: dict[str, str] = {}
    if COMPANY in wanted and contact.company is not None:
        found[COMPANY] = _parent(claim, connection, adapter, _company(connection, contact.company), {})
    if CONTACT in wanted and contact.email:
        found[CONTACT] = _parent(claim, connection, adapter, _contact(connection, contact), found)
    return found


def tie(claim: Claim, link: Link, connection: Connection, adapter: Adapter) -> None:
    """Tie the deal to its company and its people, where that takes a call. Safe to do twice.

    People are made there first who are not there yet. Raises as `parents_of` does.
    """
    opportunity = Opportunity.objects.select_related("lead__contact__company").get(pk=link.opportunity_id)
    company = opportunity.lead.contact.company
    known = Parent.objects.filter(connection=connection, kind=COMPANY, company=company).exclude(remote_id=None)
    firm = known.first() if company is not None else None
    above = {COMPANY: firm.remote_id} if firm and firm.remote_id else {}
    kinds = adapter.capabilities().associates
    ties = [(COMPANY, remote_id) for remote_id in above.values() if COMPANY in kinds]
    people = [one for one in people_of(opportunity) if one.email] if CONTACT in kinds else []
    ties += [(CONTACT, _parent(claim, connection, adapter, _contact(connection, one), above)) for one in people]
    for kind, remote_id in ties:
        adapter.associate(Associate(DEAL, link.remote_id or "", kind, remote_id), now() + DEADLINE)
    Link.objects.filter(pk=link.pk).update(is_associated=True)
    link.is_associated = True


def _company(connection: Connection, company: Company) -> Parent:
    key = f"{Organisation.objects.get(id=1).instance}:company:{company.pk}"
    return Parent.objects.get_or_create(
        connection=connection, kind=Parent.Kind.COMPANY, company=company, defaults={"external_key": key}
    )[0]


def _contact(connection: Connection, contact: Contact) -> Parent:
    key = f"{Organisation.objects.get(id=1).instance}:contact:{contact.pk}"
    return Parent.objects.get_or_create(
        connection=connection, kind=Parent.Kind.CONTACT, contact=contact, defaults={"external_key": key}
    )[0]


def values_of(parent: Parent) -> dict[str, Any]:
    """What a CRM is told about it."""
    if parent.company is not None:
        return {"name": parent.company.name, "domain": parent.company.domain}
    contact = parent.contact
    if contact is None:
        return {}
    return {
        "name": contact.name,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "phone": contact.phone or contact.phone_raw,
    }


def _parent(claim: Claim, connection: Connection, adapter: Adapter, parent: Parent, above: Mapping[str, str]) -> str:
    if parent.remote_id:
        return parent.remote_id
    values = {name: value for name, value in values_of(parent).items() if value}
    found = _earlier(adapter, parent) if parent.sent_at else _candidate(connection, adapter, parent, values)
    if found is not None:
        return _keep(parent, found.remote_id, is_ours=parent.sent_at is not None)
    if not fence(claim, now()):
        raise Lapsed
    if not Parent.objects.filter(pk=parent.pk, remote_id=None, sent_at=parent.sent_at).update(sent_at=now()):
        # Another deal of the same company is just making it.
        raise NotYet(now() + A_MOMENT)
    sent = {name: value for name, value in values.items() if name in adapter.fields(parent.kind)}
    command = Upsert(parent.kind, parent.external_key, sent, mode="create", associations=dict(above))
    try:
        written = adapter.upsert(command, now() + DEADLINE)
    except UNCERTAIN:
        raise
    except AdapterError:
        # A definite no: nothing of it will arrive later.
        Parent.objects.filter(pk=parent.pk).update(sent_at=None)
        raise
    # This write has its answer: what fails after it was not sent.
    claim.entry.sent_at = None
    type(claim.entry).objects.filter(pk=claim.entry.pk, lease_token=claim.token).update(sent_at=None)
    return _keep(parent, written.remote_id, is_ours=True)


def _earlier(adapter: Adapter, parent: Parent) -> Remote | None:
    """What an earlier try without an answer has left there; None once it is certain that nothing comes of it."""
    can = adapter.capabilities()
    settled = (parent.sent_at or now()) + (can.max_in_flight if can.create_idempotency == "none" else timedelta(0))
    if now() < settled:
        raise NotYet(settled)
    found = adapter.find_by_key(parent.kind, parent.external_key, now() + DEADLINE)
    return min(found, key=lambda one: (one.modified_at, one.remote_id)) if found else None


def _candidate(connection: Connection, adapter: Adapter, parent: Parent, values: Mapping[str, Any]) -> Remote | None:
    """The record that stands there already and is surely the same."""
    if parent.is_forced or not _may_be_matched(parent.kind, values):
        return None
    found = adapter.match(parent.kind, {"domain": "", **values}, now() + DEADLINE)
    if not found:
        return None
    if len(found) == 1 and connection.config.get(TAKES, False):
        return found[0]
    ids = ", ".join(one.remote_id for one in found[:5])
    raise NeedsPerson(
        worded(
            "The CRM has a %(kind)s like this already (%(ids)s): choose it, or make another.", kind=parent.kind, ids=ids
        )
    )


def _may_be_matched(kind: str, values: Mapping[str, Any]) -> bool:
    """A person by their address, a company by its domain or, where it has none, by its name."""
    return bool(values.get("email") if kind == CONTACT else values.get("domain") or values.get("name"))


def _keep(parent: Parent, remote_id: str, *, is_ours: bool) -> str:
    Parent.objects.filter(pk=parent.pk).update(remote_id=remote_id, is_ours=is_ours)
    parent.remote_id = remote_id
    return remote_id


def wait(claim: Claim, error: NotYet) -> None:
    """The entry comes back when the time is over; that costs no attempt."""
    settle(claim, "ready", not_before=error.until, sent_at=None, attempts=claim.entry.attempts - 1)


def candidates_of(opportunity: Opportunity, connection: Connection, adapter: Adapter) -> str:
    """In words, for a dry run: the company and person that stand there already. Asks, and makes nothing."""
    wanted, contact, said = adapter.capabilities().parents, opportunity.lead.contact, []
    things: list[tuple[str, Parent]] = []
    if COMPANY in wanted and contact.company is not None:
        things.append((COMPANY, Parent(kind=COMPANY, company=contact.company)))
    if CONTACT in wanted and contact.email:
        things.append((CONTACT, Parent(kind=CONTACT, contact=contact)))
    for kind, parent in things:
        values = {name: value for name, value in values_of(parent).items() if value}
        if not _may_be_matched(kind, values):
            continue
        if found := adapter.match(kind, {"domain": "", **values}, now() + DEADLINE):
            ids = ", ".join(one.remote_id for one in found[:5])
            said.append(_("%(kind)s there already: %(ids)s") % {"kind": Parent.Kind(kind).label, "ids": ids})
    return "; ".join(said)
