"""The reports' own words for leads, beside those of leads.cohort: who worked them, how soon, what the deal became."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils.translation import gettext as _

from crmsync.models import Handoff, Opportunity
from crmsync.services.handoff import REFUSED_LOSS
from crmsync.services.reunite import ONE_DEAL
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.reports import further_leads
from leadmgmt.reports.clocks import CLOCKS, STATES, leads_by_clock
from leadmgmt.reports.journeys import leads_touched
from leadmgmt.reports.leak_history import leaked
from leadmgmt.reports.leaks import KINDS
from leadmgmt.reports.said import SAID, channel_of, journey_of, spell_of
from leadmgmt.reports.turns import out_of_turn
from leadmgmt.reports.work import worked_by
from leads.cohort import NONE, YEARS, happened, period, register_word
from leads.models import LeadEvent, Stage
from leads.querysets import LeadQuerySet
from qualification.models import Score
from routing.models import Assignment, AttemptClock, SlaClock, WaitingLead

Params = Mapping[str, str]
GRADE = re.compile(r"[A-D][1-4]?", re.ASCII)
HOUR_OF_WEEK = re.compile(r"(?P<day>[0-6])-(?P<hour>1?[0-9]|2[0-3])", re.ASCII)


def _person(value: str, name: str) -> int:
    if value.isdecimal() and len(value) < 19:
        return int(value)
    sentence = _("“%(value)s” is no person's number.") % {"value": value}
    raise InvalidInput(sentence, fields={name: sentence})


def _one_of(value: str, name: str, allowed: list[str]) -> str:
    if value in allowed:
        return value
    sentence = _("“%(value)s” is none of: %(allowed)s.") % {"value": value, "allowed": ", ".join(allowed)}
    raise InvalidInput(sentence, fields={name: sentence})


def _rep(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads that this person has ever received."""
    return leads.filter(Exists(Assignment.objects.filter(lead=OuterRef("pk"), user=_person(value, "rep"))))


def _received_by(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads whose first receiver this person was; none: nobody has received them."""
    assignments = Assignment.objects.filter(lead=OuterRef("pk")).order_by("starts_at", "pk")
    first = leads.annotate(first_receiver=Subquery(assignments.values("user")[:1]))
    return first.filter(first_receiver=None if value == NONE else _person(value, "received_by"))


def _sql_by(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads that became SQL while this person had them."""
    qualified = LeadEvent.objects.filter(lead=OuterRef("pk"), kind="stage.sql").order_by("at")
    found = leads.filter(happened("stage.sql")).annotate(became_sql=Subquery(qualified.values("at")[:1]))
    holder = Assignment.objects.filter(lead=OuterRef("pk"), starts_at__lte=OuterRef("became_sql"))
    holder = holder.order_by("-starts_at", "-pk")
    return found.annotate(held_by=Subquery(holder.values("user")[:1])).filter(held_by=_person(value, "sql_by"))


def _deals(params: Params) -> Q:
    """That the lead has a deal which fits all words about deals at once."""
    deals = Opportunity.objects.filter(lead=OuterRef("pk")).exclude(loss_reason__code=ONE_DEAL)
    if params.get("sdr"):
        deals = deals.filter(qualified_by=_person(params["sdr"], "sdr"))
    if params.get("ae"):
        deals = deals.filter(owner=_person(params["ae"], "ae"))
    if params.get("deal"):
        stage = _one_of(params["deal"], "deal", Opportunity.Stage.values)
        deals = deals.filter(stage=stage)
        if stage == Opportunity.Stage.LOST:
            # The AE said that it was none: no customer turned it down.
            deals = deals.exclude(loss_reason__code=REFUSED_LOSS)
    if params.get("handoff"):
        latest = Handoff.objects.filter(opportunity=OuterRef("pk")).order_by("-offered_at", "-pk")
        status = _one_of(params["handoff"], "handoff", Handoff.Status.values)
        deals = deals.annotate(decision=Subquery(latest.values("status")[:1])).filter(decision=status)
    return Q(Exists(deals))


def _deal_word(leads: LeadQuerySet, _value: str, params: Params) -> LeadQuerySet:
    return leads.filter(_deals(params))


def promise_q(state: str) -> Q:
    """How the first promise to a lead stands: made (decided one way or the other), kept, late, never, running."""
    at = now()
    over = Q(stopped_at__isnull=False) | Q(due_at__lte=at)
    states = {
        "made": Q(touched_at__isnull=False) | over,
        "kept": Q(touched_at__isnull=False, touched_at__lte=F("due_at")),
        "late": Q(touched_at__isnull=False, touched_at__gt=F("due_at")),
        "never": Q(touched_at__isnull=True) & over,
        "running": Q(touched_at__isnull=True, stopped_at__isnull=True, due_at__gt=at),
    }
    return states[_one_of(state, "promise", list(states))]


def _promise(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads whose first promise stands so."""
    first = SlaClock.objects.filter(lead=OuterRef("pk")).order_by("started_at", "pk")
    clocks = SlaClock.objects.filter(promise_q(value), pk=OuterRef("first_clock"))
    return leads.annotate(first_clock=Subquery(first.values("pk")[:1])).filter(Exists(clocks))


def _broke(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads whose first promise broke for this reason."""
    _one_of(value, "broke", SlaClock.Cause.values)
    first = SlaClock.objects.filter(lead=OuterRef("pk")).order_by("started_at", "pk")
    clocks = SlaClock.objects.filter(pk=OuterRef("first_clock"), breached_at__isnull=False, cause=value)
    return leads.annotate(first_clock=Subquery(first.values("pk")[:1])).filter(Exists(clocks))


def _out_of_turn(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads with which this person was in touch while an earlier promise waited."""
    return out_of_turn(leads, _person(value, "out_of_turn"))


def _worked_by(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads that this person called, wrote to or met."""
    return worked_by(leads, _person(value, "worked_by"))


def _clock(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads by how far one of the three clocks has come."""
    found = leads_by_clock(leads, value)
    if found is None:
        _one_of(value, "clock", [f"{clock}-{state}" for clock in CLOCKS for state in STATES])
        raise AssertionError(value)
    return found


def _policy(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads whose first promise was this one."""
    if not (value.isdecimal() and len(value) < 19):
        sentence = _("“%(value)s” is no promise's number.") % {"value": value}
        raise InvalidInput(sentence, fields={"policy": sentence})
    first = SlaClock.objects.filter(lead=OuterRef("pk")).order_by("started_at", "pk")
    return leads.annotate(first_policy=Subquery(first.values("policy")[:1])).filter(first_policy=int(value))


def _attempts(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads with a promise of attempts that was kept or missed, or still runs."""
    states = {
        "kept": Q(met_at__isnull=False),
        "missed": Q(breached_at__isnull=False),
        "running": Q(stopped_at__isnull=True),
    }
    state = states[_one_of(value, "attempts", list(states))]
    return leads.filter(Exists(AttemptClock.objects.filter(state, lead=OuterRef("pk"))))


def _hour(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads whose first promise began in this hour of the week: weekday (Monday is 0) and hour, as in 4-16."""
    found = HOUR_OF_WEEK.fullmatch(value)
    if found is None:
        sentence = _("“%(value)s” is no hour of the week; write Friday from 16 as 4-16.") % {"value": value}
        raise InvalidInput(sentence, fields={"hour": sentence})
    zone = ZoneInfo(settings.TIME_ZONE)
    first = SlaClock.objects.filter(lead=OuterRef("pk")).order_by("started_at", "pk")
    begun = leads.annotate(promised_at=Subquery(first.values("started_at")[:1]))
    placed = begun.annotate(
        promised_day=ExtractIsoWeekDay("promised_at", tzinfo=zone),
        promised_hour=ExtractHour("promised_at", tzinfo=zone),
    )
    return placed.filter(promised_day=int(found["day"]) + 1, promised_hour=int(found["hour"]))


def _notified(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads that somebody was told about: at once (told), or after they had waited for a rep (waited)."""
    waits = Exists(WaitingLead.objects.filter(lead=OuterRef("pk")))
    had_to_wait = _one_of(value, "notified", ["told", "waited"]) == "waited"
    return leads.filter(is_history=False, notified_at__isnull=False).filter(waits if had_to_wait else ~waits)


def _loop(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads that were recycled, came back (returned), and became SQL or were won after that."""
    history = LeadEvent.objects.filter(lead=OuterRef("pk"))
    if _one_of(value, "loop", ["recycled", "returned", "sql", "won"]) == "recycled":
        return leads.filter(happened("stage.recycled"))
    returns = history.filter(kind__in=["stage.new", "stage.mql"], data__from="recycled").order_by("at")
    back = leads.annotate(returned_at=Subquery(returns.values("at")[:1])).filter(returned_at__isnull=False)
    if value == "returned":
        return back
    later = Exists(history.filter(kind=f"stage.{value}", at__gt=OuterRef("returned_at")))
    return back.filter(later, stage=Stage.WON) if value == "won" else back.filter(later)


def _journey(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads whose deals were won on these days with a touch of this source or campaign on their way."""
    level, who, first, last = journey_of(value)
    start, end = period({"from": first, "to": last})
    far = datetime(YEARS.start, 1, 1, tzinfo=UTC), datetime(YEARS.stop, 1, 1, tzinfo=UTC)
    between = (start or far[0], end or far[1])
    return leads_touched(leads, *between, level, channel_of(level, who))


def _leak(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads that run out in this way now."""
    return KINDS[_one_of(value, "leak", list(KINDS))](leads, now())


def _leaked(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads that ran out in this way, or no more did, in a period."""
    return leaked(leads, *spell_of(value))


def _graded(leads: LeadQuerySet, value: str, _params: Params) -> LeadQuerySet:
    """Leads whose first score was this grade, or of this letter."""
    if not GRADE.fullmatch(value):
        sentence = _("“%(value)s” is no grade.") % {"value": value}
        raise InvalidInput(sentence, fields={"graded": sentence})
    first = Score.objects.filter(lead=OuterRef("pk")).order_by("at", "pk")
    graded = leads.annotate(first_grade=Subquery(first.values("grade")[:1]))
    return graded.filter(first_grade__startswith=value) if len(value) == 1 else graded.filter(first_grade=value)


def register_all() -> None:
    """Teach the lead list these words."""
    for name, word in {
        "rep": _rep,
        # The same again, for a rep's line in a report that is itself narrowed to a rep.
        "received": _rep,
        "received_by": _received_by,
        "sql_by": _sql_by,
        "promise": _promise,
        "broke": _broke,
        "clock": _clock,
        "out_of_turn": _out_of_turn,
        "worked_by": _worked_by,
        "policy": _policy,
        "attempts": _attempts,
        "hour": _hour,
        "notified": _notified,
        "loop": _loop,
        "journey": _journey,
        "leak": _leak,
        "leaked": _leaked,
        "graded": _graded,
        "sdr": _deal_word,
        "ae": _deal_word,
        "deal": _deal_word,
        "handoff": _deal_word,
    }.items():
        register_word(name, word, SAID[name])
    for name, (further, say) in further_leads.WORDS.items():
        register_word(name, further, say)
