"""A whole import taken back: what nobody has touched since is closed or loses what the file said; the rest is left."""

from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause
from leads.matching import Person
from leads.models import Capture, Consent, ConsentRequest, Contact, ImportRun, Lead, Reason, Stage, Touchpoint, User
from leads.services.given import Given, load_values
from leads.services.identity import rekey_one
from leads.services.imports import WrongState
from leads.services.reread import take_back

State = ImportRun.State
JOB = "leads.tasks.undo_import"
AT_ONCE = 300
BY = "import"
UNDOABLE = (State.DONE, State.CANCELED, State.FAILED)


@dataclass
class Undone:
    """What came of it: leads that were closed, those that lost a touch, those that are worked and were left."""

    closed: int = 0
    parted: int = 0
    left: int = 0


def begin_undo(run_id: int, *, by: User) -> None:
    """Have a worker take an import back. Raises WrongState."""
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().get(pk=run_id)
        if run.state == State.UNDOING:
            return
        if run.state not in UNDOABLE:
            raise WrongState(_("Only an import that has ended can be undone."))
        run.state, run.undo = State.UNDOING, {**asdict(Undone()), "by": by.pk}
        run.save(update_fields=["state", "undo"])
        enqueue(JOB, run_id)


def undo(run_id: int) -> str:
    """Job: take back the next few hundred rows, then hand on. Safe to run twice."""
    with transaction.atomic():
        run = ImportRun.objects.select_for_update(of=("self",)).get(pk=run_id)
        if run.state != State.UNDOING:
            return "nothing to undo"
        told = dict(run.undo or {})
        count = Undone(told.get("closed", 0), told.get("parted", 0), told.get("left", 0))
        after = told.get("after", "")
        rows = Capture.objects.filter(context__run=run_id, status=Capture.Status.ACCEPTED)
        keys = list(
            (rows.filter(pk__gt=after) if after else rows).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
        )
        for key in keys:
            _undo_one(key, run, count)
        run.undo = {**told, **asdict(count), "after": str(keys[-1]) if keys else after}
        if len(keys) < AT_ONCE:
            run.state = State.UNDONE
        run.save(update_fields=["state", "undo"])
        if run.state == State.UNDOING:
            enqueue(JOB, run_id)
    return f"{len(keys)} rows"


def _undo_one(key: UUID, run: ImportRun, count: Undone) -> None:
    capture = Capture.objects.select_for_update(of=("self",)).select_related("channel").get(pk=key)
    if capture.lead_id is None:
        return
    lead = Lead.objects.lock().get(pk=capture.lead_id)
    began = lead.events.filter(kind="lead.captured", data__capture=str(capture.pk)).exists()
    others = Touchpoint.objects.filter(lead=lead).exclude(capture__context__run=run.pk).exists()
    if began and (others or _is_worked(lead)):
        count.left += 1
        return
    _forget(capture)
    at = now()
    record_event(lead, "import.undone", at=at, by=BY, data={"run": run.pk, "capture": str(capture.pk)})
    if not began:
        count.parted += 1
        return
    count.closed += 1
    if lead.stage in (Stage.NEW, Stage.MQL, Stage.SQL, Stage.RECYCLED):
        reason, _made = Reason.objects.get_or_create(
            kind=Reason.Kind.DISQUALIFY,
            code="import-undone",
            defaults={"label_en": "Import undone", "label_de": "Import zurückgenommen"},
        )
        lifecycle.to_disqualified(lead, Cause(by=BY, at=at, data={"run": run.pk}, quiet=lead.is_history), reason=reason)


def _is_worked(lead: Lead) -> bool:
    """Whether somebody of ours has done anything with it, or it went further than machines take it."""
    touched = lead.first_touched_at or lead.last_activity_at or lead.ae_id
    return bool(touched) or lead.stage in (Stage.OPPORTUNITY, Stage.WON)


def _forget(capture: Capture) -> None:
    """Take back what the row said of the person, its touch and its consents; the row itself stays as it came."""
    contact = Contact.objects.select_for_update(of=("self",)).get(pk=capture.contact_id or 0)
    person = Person(contact)
    load_values([person])
    take_back(person, capture)
    if person.is_changed:
        rekey_one(contact)
        Given().flush([person])
    Consent.objects.filter(capture=capture).delete()
    ConsentRequest.objects.filter(capture=capture).delete()
    Touchpoint.objects.filter(capture=capture).delete()
    # Brought in again, the same row is a new one.
    Capture.objects.filter(pk=capture.pk).update(
        status=Capture.Status.REFUSED,
        lead=None,
        contact=None,
        idempotency_key="",
        external_id="",
        error=_("Its import was undone."),
        problems=[{"field": "", "detail": _("Its import was undone.")}],
    )
