"""The conversion: an SQL becomes an opportunity with its handoff and its outbox entry, in one transaction."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from crmsync.fields import ALL_FIELDS
from crmsync.models import AccountDeal, Handoff, Link, Opportunity
from crmsync.services import joining
from crmsync.services.choose import Choice, NoAe, choose_ae, someone_is_there
from crmsync.services.joining import OpenDeal
from crmsync.services.money import read_money
from crmsync.services.outbox import external_key, record_change
from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause
from leads.models import Lead, LeadEvent, Organisation, Stage, User
from leads.models.organisation import Joining
from qualification.models import Answer, Question
from routing.calendar import add_working
from routing.hours import calendars_by_number
from routing.services.notify import tell

BY = "conversion"
WAITING = "conversion.waiting"
ASKED = "conversion.asked"
OWN = "own"
RETRY = "crmsync.tasks.convert_waiting"
# Half a working day of the AE: long enough for a meeting, short enough that the lead is still warm.
DECIDE_HOURS = 4
AT_ONCE = 50


class HasOpenDeal(DomainError):
    """The company has an open deal: a person has to say what becomes of this lead."""

    code = "has_open_deal"


class NotConvertible(DomainError):
    """This lead cannot become an opportunity from where it stands."""

    code = "not_convertible"


def convert_by_itself(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: the lead has become an SQL. Without an AE it stays one, visibly, until the clock finds one."""
    if lead.stage != Stage.SQL or not _converts_by_itself(lead):
        return
    at = now()
    if _is_settled_by_a_deal(lead, at):
        return
    try:
        _convert(lead, by=None, at=at)
    except NoAe as error:
        _note_waiting(lead, str(error), at)


def convert_lead(lead_id: int, *, by: User | None, way: str = "", at: datetime | None = None) -> Opportunity:
    """Make the opportunity because a person says so. Twice, or two at once: one opportunity, the same for both.

    ``way``: `own` for a deal of its own, or the key of the open deal of its company (`joining.open_deals`) to go into.
    Raises NotConvertible for a lead that is no SQL, NoAe while nobody can take it, HasOpenDeal where a way has to be
    chosen or the chosen deal is over by now.
    """
    at = at or now()
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.stage == Stage.OPPORTUNITY:
            opportunity = deal_of(lead)
            if opportunity is not None:
                return opportunity
        if lead.stage != Stage.SQL:
            raise NotConvertible(
                _("This lead is %(stage)s. Only an SQL becomes an opportunity: first find out what is missing.")
                % {"stage": Stage(lead.stage).label}
            )
        deals = joining.open_deals(lead) if way != OWN and (way or joining.policy() != Joining.OWN) else []
        if not deals and way in ("", OWN):
            return _convert(lead, by=by, at=at)
        chosen = next((one for one in deals if one.key == way), None)
        opportunity = _join(lead, chosen, by=by, at=at) if chosen else None
        if opportunity is None:
            raise HasOpenDeal(
                _("That deal is over by now. Nothing was changed.")
                if way
                else _("Somebody works on a deal with this company already: join it, or make one of its own.")
            )
        return opportunity


def deal_of(lead: Lead) -> Opportunity | None:
    """The open opportunity that the lead is in: its own, or one that it has joined."""
    mine = Opportunity.objects.filter(Q(lead=lead) | Q(joined__lead=lead, joined__left_at=None))
    return mine.filter(stage=Opportunity.Stage.OPEN).first()


def _join(lead: Lead, chosen: OpenDeal, *, by: User | None, at: datetime) -> Opportunity | None:
    """Go into an open deal; None where it is over by now."""
    label = "" if by else BY
    if chosen.opportunity is not None:
        return joining.join_ours(lead, chosen.opportunity.pk, by=by, label=label, at=at)
    return _join_theirs(lead, chosen.deal, by, label, at) if chosen.deal else None


def _join_theirs(lead: Lead, deal: AccountDeal, by: User | None, label: str, at: datetime) -> Opportunity:
    """Make a deal that only the CRM knew the lead's opportunity. Who works on it already decides about no handoff."""
    owner = User.objects.filter(email__iexact=deal.owner_email, is_active=True).first() if deal.owner_email else None
    opportunity = _make_opportunity(lead, owner, at)
    opportunity.name, opportunity.amount = deal.name or opportunity.name, deal.amount
    opportunity.save(update_fields=["name", "amount"])
    link = {"external_key": external_key(opportunity), "remote_id": deal.remote_id, "state": Link.State.LINKED}
    Link.objects.create(connection=deal.connection, opportunity=opportunity, has_key=False, **link)
    record_change(opportunity, ALL_FIELDS, at=at)
    joining.tell_of_joining(lead, opportunity, by, label, at)
    return opportunity


def _is_settled_by_a_deal(lead: Lead, at: datetime) -> bool:
    """Whether an open deal of its company decides about a lead: it joins it, or its SDR is asked."""
    how = joining.policy()
    deals = joining.open_deals(lead) if how != Joining.OWN else []
    if not deals:
        return False
    if how == Joining.JOIN and len(deals) == 1:
        return _join(lead, deals[0], by=None, at=at) is not None
    _ask(lead, deals, at)
    return True


def _ask(lead: Lead, deals: list[OpenDeal], at: datetime) -> None:
    """Once per SQL: its SDR is to say whether it joins one of these."""
    if LeadEvent.objects.filter(lead=lead, kind=ASKED, at__gte=lead.stage_at).exists():
        return
    record_event(lead, ASKED, at=at, by=BY, data={"deals": [one.name for one in deals]})
    if lead.owner is not None:
        tell(lead.owner, ASKED, f"asked:{lead.pk}:{lead.stage_at.isoformat()}", lead, at=at)


def retry_conversion(lead_id: int) -> str:
    """Try again a conversion that had found no AE. Safe to run twice."""
    with transaction.atomic():
        lead = Lead.objects.lock().filter(pk=lead_id).first()
        if lead is None or lead.stage != Stage.SQL or not _converts_by_itself(lead):
            return "nothing to convert"
        at = now()
        if _is_settled_by_a_deal(lead, at):
            return "settled by an open deal"
        try:
            _convert(lead, by=None, at=at)
        except NoAe:
            return "still no AE"
    return "converted"


def nudge_waiting(at: datetime) -> int:
    """Clock: SQLs that wait for an AE, once there is one. Returns how many were nudged."""
    waiting = Lead.objects.filter(stage=Stage.SQL, is_history=False, events__kind=WAITING)
    leads = list(waiting.order_by("sql_at").values_list("pk", flat=True).distinct()[:AT_ONCE])
    if not leads or not someone_is_there(at):
        return 0
    for lead_id in leads:
        enqueue(RETRY, lead_id)
    return len(leads)


def nudge_asked(at: datetime) -> int:
    """Clock: SQLs whose SDR was asked, and where no open deal is left to be asked about. Returns how many."""
    asked = Lead.objects.filter(stage=Stage.SQL, events__kind=ASKED, events__at__gte=F("stage_at"))
    leads = asked.select_related("contact").order_by("sql_at").distinct()[:AT_ONCE]
    free = [lead.pk for lead in leads if not joining.open_deals(lead)]
    for lead_id in free:
        enqueue(RETRY, lead_id)
    return len(free)


def _converts_by_itself(lead: Lead) -> bool:
    return lead.team is None or lead.team.converts_by_itself


def _note_waiting(lead: Lead, sentence: str, at: datetime) -> None:
    """Once per wait: the reason stands in the lead's history."""
    since = lead.sql_at or lead.stage_at
    if not LeadEvent.objects.filter(lead=lead, kind=WAITING, at__gte=min(since, lead.stage_at)).exists():
        record_event(lead, WAITING, at=at, by=BY, data={"why": sentence})


def _convert(lead: Lead, *, by: User | None, at: datetime) -> Opportunity:
    """Needs the lead's lock and an open transaction. Raises NoAe before anything is written."""
    choice = choose_ae(lead, at)
    opportunity = _make_opportunity(lead, choice.ae, at)
    handoff = _offer(opportunity, lead, choice, by, at)
    lead.ae = choice.ae
    lead.save(update_fields=["ae"])
    made = {"opportunity": str(opportunity.uuid), "name": opportunity.name}
    made["amount"] = "" if opportunity.amount is None else str(opportunity.amount)
    label = "" if by else BY
    record_event(lead, "opportunity.created", at=at, actor=by, by=label, data=made)
    offered = {
        "handoff": handoff.pk,
        "ae": choice.ae.pk,
        "ae_name": str(choice.ae),
        "due_at": handoff.due_at.isoformat(),
    }
    record_event(lead, "handoff.offered", at=at, actor=by, by=label, data=offered)
    record_change(opportunity, ALL_FIELDS, at=at)
    lifecycle.to_opportunity(
        lead, Cause(actor=by, by=label, at=at, data={"opportunity": str(opportunity.uuid), "handoff": handoff.pk})
    )
    return opportunity


def _make_opportunity(lead: Lead, ae: User | None, at: datetime) -> Opportunity:
    organisation = Organisation.objects.first()
    answers = Answer.objects.filter(lead=lead, superseded_at=None, is_met=True).select_related("question")
    amount = _budget(answers)
    if amount is None and organisation is not None:
        amount = organisation.expected_deal_value
    company = lead.contact.company
    name = ": ".join(filter(None, (company.name if company else lead.contact.name, lead.subject)))
    return Opportunity.objects.create(
        lead=lead,
        name=name[:255],
        amount=amount,
        currency=organisation.currency if organisation else "EUR",
        close_on=_wanted_by(answers, at),
        owner=ae,
        qualified_by=lead.owner,
        created_at=at,
    )


def _offer(opportunity: Opportunity, lead: Lead, choice: Choice, by: User | None, at: datetime) -> Handoff:
    return Handoff.objects.create(
        opportunity=opportunity,
        ae=choice.ae,
        sdr=lead.owner or by,
        why=choice.why[:200],
        offered_at=at,
        due_at=_decide_by(choice.ae, at),
    )


def _decide_by(ae: User, at: datetime) -> datetime:
    """So many hours of the AE's working time; around the clock for one without hours."""
    hours = Organisation.objects.values_list("decide_hours", flat=True).first() or DECIDE_HOURS
    within = timedelta(hours=hours)
    rep = getattr(ae, "rep", None)
    calendar = calendars_by_number([rep.pk], at).get(rep.pk) if rep else None
    worked = add_working([calendar], at, within.total_seconds()) if calendar and calendar.shifts else None
    return worked or at + within


def _budget(answers: Iterable[Answer]) -> Decimal | None:
    """The amount in the budget answer, where it names exactly one."""
    for answer in answers:
        if answer.question.key == "budget":
            return read_money(answer.value)
    return None


def _wanted_by(answers: Iterable[Answer], at: datetime) -> date | None:
    """The date that the timeline answer names, where the question asks for one."""
    for answer in answers:
        if answer.question.kind == Question.Kind.DATE:
            try:
                day = date.fromisoformat(answer.value.strip())
            except ValueError:
                continue
            return day if day >= at.date() else None
    return None
