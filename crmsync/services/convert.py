"""The conversion: an SQL becomes an opportunity with its handoff and its outbox entry, in one transaction."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.translation import gettext as _

from crmsync.fields import ALL_FIELDS
from crmsync.models import Handoff, Opportunity
from crmsync.services.choose import Choice, NoAe, choose_ae, someone_is_there
from crmsync.services.outbox import record_change
from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads import lifecycle
from leads.events import record_event
from leads.lifecycle import Cause
from leads.models import Lead, LeadEvent, Organisation, Stage, User
from qualification.models import Answer, Question
from routing.calendar import add_working
from routing.hours import calendars_by_number

BY = "conversion"
WAITING = "conversion.waiting"
RETRY = "crmsync.tasks.convert_waiting"
# Half a working day of the AE: long enough for a meeting, short enough that the lead is still warm.
DECIDE_WITHIN = timedelta(hours=4)
MONEY = re.compile(r"\d[\d.,' \u00a0]*")
AT_ONCE = 50


class NotConvertible(DomainError):
    """This lead cannot become an opportunity from where it stands."""

    code = "not_convertible"


def convert_by_itself(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: the lead has become an SQL. Without an AE it stays one, visibly, until the clock finds one."""
    if lead.stage != Stage.SQL or not _converts_by_itself(lead):
        return
    at = now()
    try:
        _convert(lead, by=None, at=at)
    except NoAe as error:
        _note_waiting(lead, str(error), at)


def convert_lead(lead_id: int, *, by: User | None, at: datetime | None = None) -> Opportunity:
    """Make the opportunity because a person says so. Twice, or two at once: one opportunity, the same for both.

    Raises NotConvertible for a lead that is no SQL, NoAe while nobody can take it.
    """
    at = at or now()
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.stage == Stage.OPPORTUNITY:
            opportunity = Opportunity.objects.filter(lead=lead, stage=Opportunity.Stage.OPEN).first()
            if opportunity is not None:
                return opportunity
        if lead.stage != Stage.SQL:
            raise NotConvertible(
                _("This lead is %(stage)s. Only an SQL becomes an opportunity: first find out what is missing.")
                % {"stage": Stage(lead.stage).label}
            )
        return _convert(lead, by=by, at=at)


def retry_conversion(lead_id: int) -> str:
    """Try again a conversion that had found no AE. Safe to run twice."""
    with transaction.atomic():
        lead = Lead.objects.lock().filter(pk=lead_id).first()
        if lead is None or lead.stage != Stage.SQL or not _converts_by_itself(lead):
            return "nothing to convert"
        try:
            _convert(lead, by=None, at=now())
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


def _make_opportunity(lead: Lead, ae: User, at: datetime) -> Opportunity:
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
    """Four hours of the AE's working time; around the clock for one without hours."""
    rep = getattr(ae, "rep", None)
    calendar = calendars_by_number([rep.pk], at).get(rep.pk) if rep else None
    worked = add_working([calendar], at, DECIDE_WITHIN.total_seconds()) if calendar and calendar.shifts else None
    return worked or at + DECIDE_WITHIN


def _budget(answers: Iterable[Answer]) -> Decimal | None:
    """The amount in the budget answer, where it names exactly one."""
    for answer in answers:
        if answer.question.key == "budget":
            return read_money(answer.value)
    return None


def read_money(text: str) -> Decimal | None:
    """“€ 30,000 a year”, “30.000,50” and “30k” as a number; None where there is no amount or more than one."""
    found = MONEY.findall(text)
    if len(found) != 1:
        return None
    digits = re.sub(r"[' \u00a0]", "", found[0]).rstrip(".,")
    decimals = re.search(r"[.,](\d{1,2})$", digits)
    whole = re.sub(r"[.,]", "", digits[: decimals.start()] if decimals else digits)
    try:
        amount = Decimal(f"{whole}.{decimals.group(1)}" if decimals else whole)
    except InvalidOperation:
        return None
    if re.search(r"\d\s*(k|tsd|tausend)\b", text, re.IGNORECASE):
        amount *= 1000
    elif re.search(r"\d\s*(m|mio|million(en)?)\b", text, re.IGNORECASE):
        amount *= 1_000_000
    return amount if 0 < amount < Decimal(10) ** 12 else None


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
