"""Cadences on leads: begun with the owner, moved on by what is done, ended by an answer or whatever else ends them."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.conditions import parse
from leads.configuration import Kept
from leads.events import record_event
from leads.facts import lead_facts
from leads.models import Lead, LeadEvent, Touchpoint, User
from leads.models.lead import WORKING_STAGES
from qualification.models import Activity, Cadence, CadenceEnrolment, CadenceStep
from qualification.pace import due_after
from routing.hours import holidays_around, known_zone

End, Kind = CadenceEnrolment.End, CadenceStep.Kind
BY = "cadence"
# What is done by which kind of activity; steps on networks and tasks are noted or ticked off.
DONE_BY: dict[str, tuple[str, ...]] = {
    Kind.CALL: (Activity.Kind.CALL,),
    Kind.EMAIL: (Activity.Kind.EMAIL,),
    Kind.SOCIAL: (),
    Kind.TASK: (),
}
REACHED = (Activity.Disposition.CONNECTED, Activity.Disposition.HELD, Activity.Disposition.BOOKED)


class CadenceConflict(DomainError):
    """This lead cannot go into a cadence now."""

    code = "cadence_conflict"


def _load() -> list[Cadence]:
    return list(Cadence.objects.filter(is_active=True).prefetch_related("steps__segment"))


_active = Kept(_load, "qualification_cadence", "qualification_cadencestep", "qualification_segment")


def active_cadences() -> list[Cadence]:
    """Those that may be begun."""
    return [one for one in _active() if one.steps.all()]


def begin_by_itself(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: a lead that gets its owner goes into the first cadence whose condition holds; one that is in one
    already, or whose person is, goes on with that."""
    if lead.stage not in WORKING_STAGES or lead.is_history or lead.owner_id is None:
        return
    cadences = active_cadences()
    if not cadences or running_of(lead.contact_id) is not None:
        return
    facts = lead_facts(lead, event.at)
    chosen = next((one for one in cadences if parse(one.condition).holds(facts)), None)
    if chosen is not None:
        _begin(lead, chosen, event.at)


def begin_cadence(lead_id: int, cadence_id: int, *, by: User, at: datetime) -> CadenceEnrolment:
    """Put a lead into a cadence by hand. Raises CadenceConflict where it is in one, or is not worked."""
    with transaction.atomic():
        lead = Lead.objects.lock().select_related("contact").get(pk=lead_id)
        cadence = Cadence.objects.filter(pk=cadence_id, is_active=True).prefetch_related("steps__segment").first()
        if lead.stage not in WORKING_STAGES or cadence is None or not cadence.steps.all():
            raise CadenceConflict(_("Only leads that are worked go into a cadence that is active and has steps."))
        if running_of(lead.contact_id) is not None:
            raise CadenceConflict(_("This person is in a cadence already. End that one first."))
        return _begin(lead, cadence, at, by)


def _begin(lead: Lead, cadence: Cadence, at: datetime, by: User | None = None) -> CadenceEnrolment:
    enrolment = CadenceEnrolment(
        lead=lead, contact_id=lead.contact_id, cadence=cadence, started_at=at, due_at=at, steps_done=0
    )
    _go_to(enrolment, lead, _fitting(lead, list(cadence.steps.all()), at, is_first=True), at)
    enrolment.save()
    data = {"cadence": cadence.name}
    record_event(lead, "cadence.begun", at=at, actor=by, by="" if by else BY, data=data)
    return enrolment


def running_of(contact_id: int) -> CadenceEnrolment | None:
    """The cadence that a person is in, also where they were another contact before a merge."""
    theirs = Q(contact=contact_id) | Q(lead__contact=contact_id)
    rows = CadenceEnrolment.objects.filter(theirs, ended_at__isnull=True)
    return rows.select_related("cadence", "step").first()


def _fitting(lead: Lead, steps: list[CadenceStep], at: datetime, *, is_first: bool) -> CadenceStep | None:
    """The first of these steps that can be done and is for this lead: no call without a number, no mail without an
    address. Whether it is for this lead is looked at when it is due: at once, or later by the clock."""
    for step in steps:
        is_at_once = not step.after_days or (is_first and step.position == 1)
        if is_at_once and not is_for(step, lead, at):
            continue
        if step.kind == Kind.CALL and not lead.contact.phone:
            continue
        if step.kind == Kind.EMAIL and not lead.contact.email:
            continue
        return step
    return None


def is_for(step: CadenceStep, lead: Lead, at: datetime) -> bool:
    """Whether a step is for this lead as it stands now."""
    return step.segment is None or parse(step.segment.condition).holds(lead_facts(lead, at))


def leave_out(enrolment: CadenceEnrolment, lead: Lead, at: datetime) -> None:
    """The present step is due and for others: to the next one, in the caller's transaction."""
    data = {"step": str(enrolment.step), "cadence": enrolment.cadence.name, "skipped": True}
    move_on(enrolment, lead, at)
    enrolment.save()
    record_event(lead, "cadence.step", at=at, by=BY, data=data)


def _go_to(enrolment: CadenceEnrolment, lead: Lead, step: CadenceStep | None, at: datetime) -> None:
    """Make this the next step, due where the lead is; without one the answer is waited for."""
    cadence = enrolment.cadence
    days = step.after_days if step else cadence.wait_days
    if step is not None and not enrolment.steps_done:
        days = step.after_days if step.position > 1 else 0
    enrolment.step, enrolment.by_hand = step, ""
    enrolment.is_for_lead = step is None or step.segment is None or not days
    enrolment.due_at = due_after(at, days, *where(lead, cadence, at))


def where(lead: Lead, cadence: Cadence, at: datetime) -> tuple[ZoneInfo, tuple[time, time], frozenset[date]]:
    """The lead's zone, the window of its cadence, and the public holidays of its country."""
    zone = ZoneInfo(known_zone(lead.contact.time_zone))
    return zone, (cadence.window_from, cadence.window_to), holidays_around(lead.contact.country, at)


def move_on(enrolment: CadenceEnrolment, lead: Lead, at: datetime) -> None:
    """The present step is done or left out: to the next one, in the caller's transaction."""
    done = enrolment.step
    rest = list(enrolment.cadence.steps.filter(position__gt=done.position).select_related("segment")) if done else []
    enrolment.steps_done += 1
    _go_to(enrolment, lead, _fitting(lead, rest, at, is_first=False), at)


def note_activity(lead: Lead, activity: Activity) -> None:
    """What was done on a lead, in the caller's transaction: who was reached needs no further tries, and a step that was
    done is followed by the next one."""
    enrolment = running_of(lead.contact_id)
    if enrolment is None or enrolment.lead_id != lead.pk:
        return
    if activity.disposition in REACHED:
        end_cadence(enrolment, lead, End.REACHED, activity.at)
        return
    step = enrolment.step
    if step is None or activity.kind not in DONE_BY[step.kind]:
        return
    enrolment.last_activity, enrolment.last_step, enrolment.last_due_at = activity, step, enrolment.due_at
    move_on(enrolment, lead, activity.at)
    enrolment.save()


def take_back_activity(activity: Activity) -> None:
    """An activity never happened: the step that it was is due again, in the caller's transaction."""
    rows = CadenceEnrolment.objects.select_for_update(of=("self",))
    enrolment = rows.filter(last_activity=activity, ended_at__isnull=True).first()
    if enrolment is None or enrolment.last_step_id is None or enrolment.last_due_at is None:
        return
    enrolment.step_id, enrolment.due_at = enrolment.last_step_id, enrolment.last_due_at
    enrolment.is_for_lead = True
    enrolment.steps_done = max(0, enrolment.steps_done - 1)
    if activity.is_automatic:
        # Whoever took it back does not want it to go out by itself the next moment.
        enrolment.by_hand = _("taken back")
    enrolment.last_activity = enrolment.last_step = enrolment.last_due_at = None
    enrolment.save()


def step_done(lead_id: int, *, by: User, at: datetime, skipped: bool = False) -> CadenceEnrolment:
    """Tick the present step off, or leave it out. Raises CadenceConflict where there is none."""
    with transaction.atomic():
        lead = Lead.objects.lock().select_related("contact").get(pk=lead_id)
        enrolment = running_of(lead.contact_id)
        if enrolment is None or enrolment.lead_id != lead.pk or enrolment.step is None:
            raise CadenceConflict(_("There is no step to be done any more."))
        data = {"step": str(enrolment.step), "cadence": enrolment.cadence.name, "skipped": skipped}
        move_on(enrolment, lead, at)
        enrolment.save()
        record_event(lead, "cadence.step", at=at, actor=by, data=data)
    return enrolment


def stop_by_hand(lead_id: int, *, by: User, at: datetime) -> None:
    """End a lead's cadence; safe where there is none."""
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        enrolment = running_of(lead.contact_id)
        if enrolment is not None and enrolment.lead_id == lead.pk:
            end_cadence(enrolment, lead, End.STOPPED, at, by)


def end_cadence(enrolment: CadenceEnrolment, lead: Lead, end: str, at: datetime, by: User | None = None) -> None:
    """End it, in the caller's transaction."""
    enrolment.ended_at, enrolment.end, enrolment.by_hand = at, end, ""
    enrolment.save()
    data = {"cadence": enrolment.cadence.name, "end": end}
    record_event(lead, "cadence.ended", at=at, actor=by, by="" if by else BY, data=data)


def end_for(lead: Lead, end: str, at: datetime) -> None:
    """End whatever cadence this lead is in, in the caller's transaction."""
    enrolment = running_of(lead.contact_id)
    if enrolment is not None and enrolment.lead_id == lead.pk:
        end_cadence(enrolment, lead, end, at)


def end_by_answer(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: they wrote or booked a meeting since it began, so that nobody tries further by plan."""
    enrolment = running_of(lead.contact_id)
    if enrolment is None or enrolment.lead_id != lead.pk:
        return
    answers = (Touchpoint.Kind.EMAIL, Touchpoint.Kind.MEETING, Touchpoint.Kind.CHAT)
    if Touchpoint.objects.filter(lead=lead, kind__in=answers, at__gt=enrolment.started_at).exists():
        end_cadence(enrolment, lead, End.ANSWERED, event.at)


def end_by_stage(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: a lead that is worked no more is in no cadence."""
    end_for(lead, End.MOVED_ON, event.at)


def at_the_same_company(lead: Lead) -> list[CadenceEnrolment]:
    """Who else of this company is in a cadence: colleagues should not hear two stories."""
    company = lead.contact.company_id
    if company is None:
        return []
    rows = CadenceEnrolment.objects.filter(ended_at__isnull=True, contact__company=company)
    return list(rows.exclude(lead=lead).select_related("lead__contact", "lead__owner", "cadence")[:5])
