"""Erasing a person on request: everywhere, at once, and so that nobody brings them back without their will.

What happened stays as figures (see `leads.erasure`); what other systems keep becomes a task for each of them.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads import lifecycle
from leads.erasure import Subject, Sweep, erasers
from leads.lifecycle import Cause
from leads.models import (
    Contact,
    ContactAlias,
    ErasedKey,
    Erasure,
    ErasureTask,
    Lead,
    Merge,
    Reason,
    Stage,
    User,
)
from leads.normalise.email import InvalidAddress, read_address
from leads.services.leftovers import empty_leftovers
from leads.suppression import hash_of

# Where nobody works for a customer yet; a deal goes on with the company, and an AE decides.
ENDED_BY_IT = (Stage.NEW, Stage.MQL, Stage.SQL, Stage.RECYCLED)
REASON = {"label_en": "Erased on request", "label_de": "Auf Wunsch gelöscht", "is_active": False}


def find_subject(email: str) -> Subject:
    """Everything that belongs to the person with this address, with those they were merged with.

    Raises InvalidInput for what is no address.
    """
    try:
        address = read_address(email)
    except InvalidAddress as error:
        raise InvalidInput(str(error), fields={"email": str(error)}) from None
    bearers = Contact.objects.filter(Q(email_key=address.key) | Q(aliases__key=address.key))
    return _subject(set(bearers.values_list("pk", flat=True)), address.key, address.written)


def subject_of(contact_id: int) -> Subject:
    """The same for somebody who may have no address."""
    return _subject({contact_id})


def _subject(bearers: set[int], *addresses: str) -> Subject:
    contacts = _with_merged(bearers)
    rows = list(Contact.objects.filter(pk__in=contacts))
    aliases = ContactAlias.objects.filter(contact__in=contacts).values_list("email", "key")
    before = Merge.objects.filter(Q(kept__in=contacts) | Q(gone__in=contacts)).values_list("before", flat=True)
    known = {*addresses, *(part for pair in aliases for part in pair)}
    known |= {part for row in rows for part in (row.email, row.email_key or "")}
    known |= {str(part or "") for told in before for one in told.values() for part in _addresses(one)}
    phones = {part for row in rows for part in (row.phone, row.phone_raw)}
    return Subject(
        contacts=tuple(sorted(contacts)),
        leads=tuple(Lead.objects.filter(contact__in=contacts).order_by("pk").values_list("pk", flat=True)),
        emails=tuple(sorted({one.lower() for one in known if one})),
        phones=tuple(sorted(one for one in phones if len(one) >= 7)),
    )


def _addresses(told: object) -> Iterable[object]:
    return (told.get("email"), told.get("email_key")) if isinstance(told, dict) else ()


def _with_merged(found: set[int]) -> set[int]:
    """And whoever was merged into them, and whom they were merged into."""
    while True:
        linked = Contact.objects.filter(Q(merged_into__in=found) | Q(merged__in=found)).values_list("pk", flat=True)
        more = set(linked) - found
        if not more:
            return found
        found |= more


def erase(who: str | int, *, by: User | None = None, at: datetime | None = None) -> Erasure | None:
    """Erase a person by their address or the number of their contact; None where nothing is known of them.

    Safe to do twice. Raises InvalidInput for what is no address.
    """
    at = at or now()
    with transaction.atomic():
        subject = subject_of(who) if isinstance(who, int) else find_subject(who)
        erasure = _erase(subject, None, by, at)
    # Whoever was just being taken in while nobody knew of this yet.
    while erasure is not None and (late := _late(subject)):
        with transaction.atomic():
            _erase(_subject(late), erasure, by, at)
    return erasure


def _late(subject: Subject) -> set[int]:
    mine = Q(email_key__in=subject.emails) | Q(aliases__key__in=subject.emails)
    return set(Contact.objects.filter(mine, erased_at=None).values_list("pk", flat=True))


def _erase(subject: Subject, erasure: Erasure | None, by: User | None, at: datetime) -> Erasure | None:
    """One erasure, or the rest of one. Needs an open transaction."""
    list(Lead.objects.lock().filter(pk__in=subject.leads).order_by("pk"))
    list(Contact.objects.select_for_update().filter(pk__in=subject.contacts).order_by("pk"))
    sweep = Sweep(subject, at)
    with connection.cursor() as cursor:
        # What nobody may change or delete otherwise.
        cursor.execute("SELECT set_config('leadmgmt.erasing', 'on', true)")
    for eraser in erasers():
        eraser(sweep)
    sweep.note("elsewhere", empty_leftovers(subject))
    if not (subject.contacts or sweep.told):
        return erasure
    _end_leads(subject, by, at)
    return _write_down(sweep, erasure, by)


def _end_leads(subject: Subject, by: User | None, at: datetime) -> None:
    """Nobody can be worked any more where there is nobody."""
    reason, _made = Reason.objects.get_or_create(kind=Reason.Kind.DISQUALIFY, code="erased", defaults=REASON)
    for lead in Lead.objects.filter(pk__in=subject.leads, stage__in=ENDED_BY_IT).order_by("pk"):
        lifecycle.to_disqualified(lead, Cause(actor=by, by="" if by else "erasure", at=at), reason=reason)


def _write_down(sweep: Sweep, erasure: Erasure | None, by: User | None) -> Erasure:
    if erasure is None:
        erasure = Erasure.objects.create(at=sweep.at, by=by, told=sweep.told)
    else:
        told = Counter(erasure.told)
        told.update(sweep.told)
        erasure.told = dict(told)
        erasure.save(update_fields=["told"])
    keys = {hash_of(key) for key in (*sweep.subject.emails, *(one for one in sweep.subject.phones if one[0] == "+"))}
    # Whoever came back and is erased again is known by the first erasure.
    ErasedKey.objects.bulk_create([ErasedKey(erasure=erasure, key_hash=key) for key in keys], ignore_conflicts=True)
    ErasureTask.objects.bulk_create(
        ErasureTask(erasure=erasure, system=where, what=what) for where, what in sweep.tasks
    )
    return erasure


def finish_task(task_id: int, *, by: User | None, at: datetime | None = None) -> ErasureTask:
    """Somebody has seen to it that the record is gone there too."""
    with transaction.atomic():
        task = ErasureTask.objects.select_for_update().get(pk=task_id)
        if task.state != ErasureTask.State.DONE:
            task.state, task.done_at, task.done_by = ErasureTask.State.DONE, at or now(), by
            task.save(update_fields=["state", "done_at", "done_by"])
    return task


def areas() -> dict[str, str]:
    """The areas that an erasure empties, in words."""
    return {
        "contacts": _("contacts"),
        "submissions": _("submissions"),
        "history": _("lines of history"),
        "touchpoints": _("touchpoints"),
        "values": _("values with their origin"),
        "consents": _("requests for consent"),
        "decisions": _("routing decisions"),
        "notifications": _("notifications"),
        "activities": _("activities"),
        "answers": _("answers"),
        "mails": _("e-mails"),
        "scores": _("scores"),
        "deals": _("deals"),
        "sync": _("rows of the sync"),
        "elsewhere": _("other rows that named them"),
    }
