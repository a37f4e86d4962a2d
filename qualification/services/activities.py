"""Logging what a rep did about a lead, and taking it back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leads.events import record_event
from leads.models import Lead, User
from qualification.models import Activity
from qualification.services.cadences import note_activity, take_back_activity
from qualification.services.mail_rules import cancel_mail
from routing.services.attempts import note_attempts
from routing.services.touch import note_first_touch
from routing.services.withdraw import withdraw_first_touch

UNDO_WITHIN = timedelta(minutes=10)
LONGEST_BODY = 20_000

Kind, Disposition = Activity.Kind, Activity.Disposition

DISPOSITIONS: dict[str, tuple[str, ...]] = {
    Kind.CALL: (
        Disposition.CONNECTED,
        Disposition.NO_ANSWER,
        Disposition.VOICEMAIL,
        Disposition.CALL_BACK,
        Disposition.BAD_NUMBER,
    ),
    Kind.EMAIL: (Disposition.SENT,),
    Kind.MEETING: (Disposition.BOOKED, Disposition.HELD),
    Kind.NOTE: ("",),
}
# Nobody has to be tried further who was spoken to.
REACHED = (Disposition.CONNECTED, Disposition.CALL_BACK, Disposition.BOOKED, Disposition.HELD)
NEEDS_TIME = (Disposition.CALL_BACK, Disposition.BOOKED)


class UndoTooLate(DomainError):
    """An activity can be taken back for ten minutes, by whoever logged it."""

    code = "undo_too_late"


def log_activity(
    lead_id: int,
    kind: str,
    *,
    by: User | None,
    disposition: str = "",
    body: str = "",
    due_at: datetime | None = None,
    is_automatic: bool = False,
    at: datetime | None = None,
) -> Activity:
    """Write down one call, e-mail, note or meeting, done at ``at`` (default: now).

    Anything but a note is a touch: the first one keeps the SLA promise, and a lead put aside is taken up again. What a
    cadence sends by itself (``is_automatic``) is no human touch: it keeps no promise and counts as no try.
    Raises InvalidInput where the disposition does not fit the kind or an agreed time is missing.
    """
    at = at or now()
    disposition = checked(kind, disposition or DISPOSITIONS.get(kind, ("",))[0], body, due_at)
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        activity = Activity.objects.create(
            lead=lead,
            kind=kind,
            disposition=disposition,
            body=body.strip(),
            at=at,
            by=by,
            due_at=due_at if disposition in NEEDS_TIME else None,
            is_automatic=is_automatic,
        )
        if is_automatic:
            note_activity(lead, activity)
        elif kind != Kind.NOTE:
            note_first_touch(lead, at, by)
            lead.last_activity_at = max(filter(None, (lead.last_activity_at, at)))
            lead.snoozed_until = None
            lead.save(update_fields=["last_activity_at", "snoozed_until"])
            _count_attempts(lead, at)
            note_activity(lead, activity)
        data = {"activity": activity.pk, "kind": kind, "disposition": disposition}
        record_event(lead, "activity.logged", at=at, actor=by, data=data)
    return activity


def checked(kind: str, disposition: str, body: str, due_at: datetime | None) -> str:
    """The disposition, if it fits; InvalidInput names what does not."""
    if kind not in DISPOSITIONS:
        raise InvalidInput(_("Choose call, e-mail, note or meeting."), fields={"kind": _("Unknown kind.")})
    if disposition not in DISPOSITIONS[kind]:
        fields = {"disposition": _("One of: %(words)s.") % {"words": ", ".join(DISPOSITIONS[kind])}}
        raise InvalidInput(_("This outcome does not fit what was done."), fields=fields)
    if disposition in NEEDS_TIME and due_at is None:
        raise InvalidInput(_("Say for when it was agreed."), fields={"due_at": _("Say for when it was agreed.")})
    if kind == Kind.NOTE and not body.strip():
        raise InvalidInput(_("The note is empty."), fields={"body": _("Write something.")})
    if len(body) > LONGEST_BODY or "\0" in body:
        raise InvalidInput(_("The text is too long."), fields={"body": _("At most 20,000 characters of plain text.")})
    return disposition


def undo_activity(activity_id: int, *, by: User, at: datetime | None = None) -> Activity:
    """Take an activity back within ten minutes: it counts no more, and a first touch that it was runs again.

    Safe to call twice. Raises UndoTooLate after ten minutes or for somebody else's activity.
    """
    at = at or now()
    with transaction.atomic():
        lead_id = Activity.objects.values_list("lead", flat=True).get(pk=activity_id)
        lead = Lead.objects.lock().get(pk=lead_id)
        activity = Activity.objects.select_for_update().get(pk=activity_id)
        if activity.undone_at is not None:
            return activity
        if activity.by_id != by.pk or at - activity.at > UNDO_WITHIN:
            raise UndoTooLate(_("It can be taken back for ten minutes, by whoever logged it. Add a note instead."))
        if not cancel_mail(activity):
            raise UndoTooLate(_("The mail has gone out. Write another one instead."))
        activity.undone_at = at
        activity.save(update_fields=["undone_at"])
        if activity.kind != Kind.NOTE:
            if not activity.is_automatic:
                _forget_touch(lead, activity)
            take_back_activity(activity)
        data = {"activity": activity.pk, "kind": activity.kind, "disposition": activity.disposition}
        record_event(lead, "activity.undone", at=at, actor=by, data=data)
    return activity


def _count_attempts(lead: Lead, at: datetime) -> None:
    """Tell the promise of attempts how often the person was tried since the lead came, and whether with success."""
    done = Activity.objects.touches().filter(lead=lead, at__gte=lead.captured_at)
    dispositions = list(done.values_list("disposition", flat=True))
    note_attempts(lead, len(dispositions), at=at, is_reached=any(one in REACHED for one in dispositions))


def _forget_touch(lead: Lead, activity: Activity) -> None:
    """Work out first and last touch anew. The caller holds the lead's lock."""
    rest = Activity.objects.touches().filter(lead=lead)
    lead.last_activity_at = rest.aggregate(last=Max("at"))["last"]
    lead.save(update_fields=["last_activity_at"])
    if withdraw_first_touch(lead, activity.at):
        next_touch = rest.filter(at__gte=lead.captured_at).order_by("at").first()
        if next_touch is not None:
            note_first_touch(lead, next_touch.at, next_touch.by)
    _count_attempts(lead, activity.at)
