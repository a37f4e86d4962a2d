"""What a person decides about records that stand in the CRM already, and about values that lost a merge."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crmsync.adapters.base import COMPANY, CONTACT, DEAL
from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for
from crmsync.fields import OWNERS, Owner
from crmsync.models import AuditRow, Conflict, Link, Opportunity, OutboxEntry, Parent
from crmsync.services.apart import TOGETHER
from crmsync.services.claim import DEADLINE
from crmsync.services.outbox import record_change
from crmsync.services.repair import resolve_conflict, retry_entries
from crmsync.services.take_in import take_in
from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leads.models import User

KINDS = (DEAL, COMPANY, CONTACT)


class NotThere(DomainError):
    """The record cannot be taken; the message says why."""

    code = "not_there"


def adopt_record(entry_id: int, kind: str, remote_id: str, *, by: User) -> None:
    """Take a record of the CRM for the deal of an entry, or for its company or person, and go on.

    Raises InvalidInput for what cannot be meant, NotThere where the CRM has no such record or another deal has it.
    """
    remote_id = remote_id.strip()
    if kind not in KINDS or not remote_id or len(remote_id) > 120:
        raise InvalidInput(_("Name the record by its id in the CRM."), fields={"remote_id": _("Write the id.")})
    entry = OutboxEntry.objects.select_related("connection", "opportunity__lead__contact").get(pk=entry_id)
    adapter = adapter_for(entry.connection)
    try:
        remote = adapter.get(kind, remote_id, now() + DEADLINE)
    except AdapterError as error:
        raise NotThere(_("The CRM does not show this record: %(why)s") % {"why": error}) from error
    finally:
        adapter.close()
    try:
        with transaction.atomic():
            if kind == DEAL:
                links = Link.objects.filter(connection=entry.connection, opportunity=entry.opportunity)
                has_key = remote.external_key is not None
                links.update(remote_id=remote_id, state=Link.State.LINKED, has_key=has_key, **TOGETHER)
            else:
                _parents_of(entry, kind).update(remote_id=remote_id, is_ours=False)
            _note(entry, by, "adopted", {"kind": kind, "remote": remote_id})
    except IntegrityError as error:
        raise NotThere(_("Another deal is linked to this record already.")) from error
    if kind == DEAL:
        take_in(entry.connection, remote, via="reconcile", at=now())
    retry_entries([entry.pk], by=by)


def make_another(entry_id: int, kind: str, *, by: User) -> None:
    """A company or person of its own, although one like it is there."""
    entry = OutboxEntry.objects.select_related("connection", "opportunity__lead__contact").get(pk=entry_id)
    if kind not in (COMPANY, CONTACT):
        raise InvalidInput(_("There is no such record."), fields={"kind": _("Choose one of those shown.")})
    with transaction.atomic():
        _parents_of(entry, kind).update(is_forced=True)
        _note(entry, by, "made another", {"kind": kind})
    retry_entries([entry.pk], by=by)


def restore_conflict(conflict_id: int, *, by: User) -> Conflict:
    """Give the value that lost its place back: ours is written again, or theirs becomes ours.

    Raises NotThere for a field that is not ours to write.
    """
    with transaction.atomic():
        conflict = Conflict.objects.select_related("link__connection", "link__opportunity").get(pk=conflict_id)
        if OWNERS.get(conflict.field) is not Owner.OURS:
            raise NotThere(_("The CRM owns this field: change it there."))
        opportunity = Opportunity.objects.select_for_update().get(pk=conflict.link.opportunity_id)
        if conflict.rule == "keep_ours":
            if conflict.field != "name":
                raise NotThere(_("This text is made from the lead: change it there."))
            opportunity.name = str(conflict.theirs or "")[:255]
            opportunity.save(update_fields=["name"])
        record_change(opportunity, [conflict.field], at=now())
        AuditRow.objects.create(
            connection=conflict.link.connection,
            link=conflict.link,
            at=now(),
            direction="push",
            verdict="restored",
            rule=conflict.rule,
            changes={"field": conflict.field, "ours": conflict.ours, "theirs": conflict.theirs},
            actor=f"user:{by.pk}",
        )
    return resolve_conflict(conflict_id)


def may_restore(conflict: Conflict) -> bool:
    """Whether there is something to give back."""
    return OWNERS.get(conflict.field) is Owner.OURS and (conflict.rule == "drift" or conflict.field == "name")


def _parents_of(entry: OutboxEntry, kind: str) -> QuerySet[Parent]:
    contact = entry.opportunity.lead.contact
    found = Parent.objects.filter(connection=entry.connection, kind=kind)
    return found.filter(company=contact.company_id) if kind == COMPANY else found.filter(contact=contact)


def _note(entry: OutboxEntry, by: User, verdict: str, changes: dict[str, str]) -> None:
    AuditRow.objects.create(
        connection=entry.connection,
        link=Link.objects.filter(connection=entry.connection, opportunity=entry.opportunity).first(),
        at=now(),
        direction="push",
        verdict=verdict[:12],
        rule="a person",
        changes=changes,
        actor=f"user:{by.pk}",
    )
