"""Two contacts become one, field by field as somebody chose, and both again if that was wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause
from leads.models import (
    Capture,
    Consent,
    ConsentRequest,
    Contact,
    ContactAlias,
    ContactIdentity,
    Duplicate,
    FieldValue,
    Lead,
    Merge,
    Reason,
    Stage,
    Touchpoint,
    User,
)
from leads.services.identity import rekey_one
from leads.services.provenance import PERSON

# What somebody may choose between.
CHOICES = (
    "first_name",
    "last_name",
    "name_title",
    "email",
    "phone",
    "job_title",
    "company",
    "country",
    "region",
    "postal_code",
    "city",
    "language",
)
# What follows from them, or is filled in where it is empty.
FOLLOWING = ("phone_raw", "seniority", "department", "time_zone", "email_class")
COLUMNS = (*(f"{name}_id" if name == "company" else name for name in CHOICES), *FOLLOWING, "email_key", "attributes")
# The further one goes on; of two alike the one that somebody works, then the older one.
RANK = {Stage.NEW: 0, Stage.MQL: 1, Stage.SQL: 2, Stage.OPPORTUNITY: 3}
MOVED = {
    "lead": Lead,
    "identity": ContactIdentity,
    "alias": ContactAlias,
    "consent": Consent,
    "consent_request": ConsentRequest,
}
BY = "merge"


class NotMerged(DomainError):
    """These two cannot be merged, or not parted again, as things stand."""

    code = "not_merged"


@dataclass(frozen=True)
class Joined:
    """What a merge came to."""

    merge: Merge
    lead: Lead | None


def merge_contacts(kept_id: int, gone_id: int, choices: Mapping[str, str], *, by: User) -> Joined:
    """Make ``gone`` part of ``kept``: ``choices`` says per field whose value counts ("kept" or "gone").

    Without a choice the kept one's counts, or the other's where that is empty. Everything is reattached. Of two open
    leads the further one goes on and the other is closed as a duplicate. Raises NotMerged.
    """
    with transaction.atomic():
        leads = list(Lead.objects.lock().filter(contact__in=[kept_id, gone_id]))
        kept, gone = _both(kept_id, gone_id)
        before = {"kept": _columns(kept), "gone": _columns(gone)}
        at = now()
        merge = Merge(kept=kept, gone=gone, before=before, moved={}, at=at, by=by)
        survivor = _close_second_lead(merge, leads, by, at)
        gone.merged_into, gone.email_key = kept, None
        gone.rekey()
        gone.save()
        merge.moved = _move(gone, kept)
        _take_values(kept, before["gone"], choices, merge, at)
        kept.save()
        merge.after = _columns(kept)
        merge.save()
        _settle_pairs(kept, gone, by, at)
        for lead in leads:
            if lead.pk == (survivor.pk if survivor else leads[0].pk):
                told = {"merge": merge.pk, "name": gone.name}
                record_event(lead, "contact.merged", at=at, actor=by, data=told)
    return Joined(merge, survivor)


def _both(kept_id: int, gone_id: int) -> tuple[Contact, Contact]:
    if kept_id == gone_id:
        raise NotMerged(_("These are not two contacts."))
    rows = Contact.objects.select_for_update(of=("self",)).filter(pk__in=[kept_id, gone_id]).order_by("pk")
    found = {row.pk: row for row in rows}
    if len(found) < 2:
        raise NotMerged(_("One of the two is not there any more."))
    if any(row.merged_into_id for row in found.values()):
        raise NotMerged(_("One of the two has been merged already."))
    return found[kept_id], found[gone_id]


def _columns(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in COLUMNS}


def _close_second_lead(merge: Merge, leads: list[Lead], by: User, at: datetime) -> Lead | None:
    """Leave at most one open lead; returns the one that goes on."""
    alive = sorted(
        (lead for lead in leads if lead.is_open),
        key=lambda lead: (-RANK[Stage(lead.stage)], lead.owner_id is None, lead.first_seen_at, lead.pk),
    )
    if len(alive) < 2:
        return alive[0] if alive else None
    survivor, second = alive
    if second.stage == Stage.OPPORTUNITY:
        raise NotMerged(_("Both have an open deal. Close one of them first, then merge."))
    reason, _made = Reason.objects.get_or_create(
        kind=Reason.Kind.DISQUALIFY,
        code="duplicate",
        defaults={"label_en": "Duplicate", "label_de": "Doppelt erfasst"},
    )
    merge.closed_lead, merge.closed_from = second, second.stage
    cause = Cause(actor=by, at=at, data={"merged_into": survivor.pk})
    lifecycle.to_disqualified(second, cause, reason=reason)
    return survivor


def _move(gone: Contact, kept: Contact) -> dict[str, list[Any]]:
    """Reattach everything; returns the numbers of what was moved."""
    moved: dict[str, list[Any]] = {}
    for name, model in MOVED.items():
        rows = model._default_manager.filter(contact=gone)
        moved[name] = list(rows.values_list("pk", flat=True))
        rows.update(contact=kept)
    known = FieldValue.objects.filter(contact=kept).values_list("field", "origin")
    clashing = Q(pk__in=[])
    for field, origin in known:
        clashing |= Q(field=field, origin=origin)
    # Where both were told the same field by the same origin, each keeps its own for the way back.
    values = FieldValue.objects.filter(contact=gone).exclude(clashing)
    moved["value"] = list(values.values_list("pk", flat=True))
    values.update(contact=kept)
    moved["capture"] = [str(key) for key in Capture.objects.filter(contact=gone).values_list("pk", flat=True)]
    Capture.objects.filter(contact=gone).update(contact=kept)
    Touchpoint.objects.filter(contact=gone).update(contact=kept)
    return moved


def _take_values(
    kept: Contact, theirs: Mapping[str, Any], choices: Mapping[str, str], merge: Merge, at: datetime
) -> None:
    chosen = []
    for name in CHOICES:
        column = f"{name}_id" if name == "company" else name
        mine, other = getattr(kept, column), theirs[column]
        if other and mine != other and (not mine or choices.get(name) == "gone"):
            setattr(kept, column, other)
            if mine and name != "company":
                chosen.append(name)
    for name in FOLLOWING:
        setattr(kept, name, getattr(kept, name) or theirs[name])
    kept.attributes = {**theirs["attributes"], **kept.attributes}
    _take_addresses(kept, theirs, merge, at)
    rekey_one(kept)
    for name in chosen:
        # A person has said so: nothing that comes in later overrules it.
        value = FieldValue.objects.get_or_create(
            contact=kept, field=name, origin=PERSON, defaults={"value": getattr(kept, name), "at": at}
        )
        merge.moved.setdefault("said", []).extend([value[0].pk] if value[1] else [])


def _take_addresses(kept: Contact, theirs: Mapping[str, Any], merge: Merge, at: datetime) -> None:
    """Both addresses lead to the kept one; the one that is shown is its own key."""
    known = {kept.email_key: merge.before["kept"]["email"], theirs["email_key"]: theirs["email"]}
    if kept.email == theirs["email"] and theirs["email_key"]:
        kept.email_key = theirs["email_key"]
    made = [
        ContactAlias.objects.create(contact=kept, email=email or key, key=key, at=at).pk
        for key, email in known.items()
        if key and key != kept.email_key
    ]
    merge.moved["made_alias"] = made


def _settle_pairs(kept: Contact, gone: Contact, by: User, at: datetime) -> None:
    """The pair is decided; what else was asked about the gone one is asked no more."""
    first, second = sorted((kept.pk, gone.pk))
    Duplicate.objects.filter(first=first, second=second).update(
        state=Duplicate.State.MERGED, decided_at=at, decided_by=by
    )
    others = Duplicate.objects.filter(Q(first=gone) | Q(second=gone), state=Duplicate.State.OPEN)
    others.update(state=Duplicate.State.MERGED, decided_at=at, decided_by=None)


def undo_merge(merge_id: int, *, by: User) -> Merge:
    """Put both back as they were. What came in for the kept one since stays with it. Safe to call twice.

    A lead that was closed as the second one opens again and goes through the rules afresh. Raises NotMerged where one
    of the two has become part of somebody else meanwhile.
    """
    with transaction.atomic():
        merge = Merge.objects.select_for_update().get(pk=merge_id)
        if merge.undone_at is not None:
            return merge
        leads = list(Lead.objects.lock().filter(contact=merge.kept_id))
        rows = Contact.objects.select_for_update(of=("self",)).filter(pk__in=[merge.kept_id, merge.gone_id])
        found = {row.pk: row for row in rows.order_by("pk")}
        kept, gone = found[merge.kept_id], found[merge.gone_id]
        if kept.merged_into_id or gone.merged_into_id != kept.pk:
            raise NotMerged(_("One of the two was merged again since. Undo that first."))
        at = now()
        _move_back(merge, gone)
        _restore(merge, kept, gone)
        merge.undone_at, merge.undone_by = at, by
        merge.save(update_fields=["undone_at", "undone_by"])
        first, second = sorted((kept.pk, gone.pk))
        Duplicate.objects.filter(first=first, second=second).update(
            state=Duplicate.State.DIFFERENT, decided_at=at, decided_by=by
        )
        _reopen_second_lead(merge, by, at)
        for lead in leads[:1]:
            told = {"merge": merge.pk, "name": gone.name}
            record_event(lead, "contact.parted", at=at, actor=by, data=told)
    return merge


def _move_back(merge: Merge, gone: Contact) -> None:
    moved = merge.moved
    for name, model in MOVED.items():
        model._default_manager.filter(pk__in=moved.get(name, []), contact=merge.kept_id).update(contact=gone)
    FieldValue.objects.filter(pk__in=moved.get("said", []), origin=PERSON).delete()
    FieldValue.objects.filter(pk__in=moved.get("value", []), contact=merge.kept_id).update(contact=gone)
    ContactAlias.objects.filter(pk__in=moved.get("made_alias", [])).delete()
    # What came in for one of their leads since goes along with the lead.
    theirs = Q(lead__in=moved.get("lead", []))
    Touchpoint.objects.filter(theirs).update(contact=gone)
    Capture.objects.filter(Q(pk__in=moved.get("capture", [])) | theirs).update(contact=gone)


def _restore(merge: Merge, kept: Contact, gone: Contact) -> None:
    """The kept one first, as it may hold what is the other's. What somebody changed since stays changed."""
    mine, theirs, after = merge.before["kept"], merge.before["gone"], merge.after
    for name in COLUMNS:
        if getattr(kept, name) == after.get(name):
            setattr(kept, name, mine[name])
    kept.rekey()
    kept.person_key = None
    kept.save()
    for name in COLUMNS:
        setattr(gone, name, theirs[name])
    gone.merged_into = None
    for contact in (gone, kept):
        contact.name_key, contact.person_key = "", None
        rekey_one(contact)
        contact.save()


def _reopen_second_lead(merge: Merge, by: User, at: datetime) -> None:
    lead = merge.closed_lead
    if lead is None:
        return
    lead.refresh_from_db()
    was_closed_here = lead.stage == Stage.DISQUALIFIED and lead.reason is not None and lead.reason.code == "duplicate"
    has_other = Lead.objects.open().filter(contact=lead.contact_id).exists()
    if not was_closed_here or has_other:
        return
    lifecycle.reopen(lead.pk, Cause(actor=by, at=at, data={"reason": "parted"}))
