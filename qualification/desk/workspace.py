"""The lead's page: who they are, what happened, what is missing, gathered for one reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.permissions import ADMIN, SDR, TEAM_LEAD, has_role
from leads.models import Lead, Touchpoint, User
from qualification.desk import panels, queue
from qualification.desk.close_up import CloseUp
from qualification.desk.headline import headline
from qualification.desk.learned import Learned, learned
from qualification.desk.order import Order, order
from qualification.desk.pace import Pace, pace
from qualification.desk.panels import Assessment
from qualification.desk.plan import Plan, plan
from qualification.desk.promised import Promised, promised
from qualification.desk.queue_filter import QueueFilter, filtered
from qualification.desk.situation import Situation, activities_of, clock_of, history, pace_of
from qualification.desk.timeline import Timeline, timeline
from qualification.desk.why import Headline
from qualification.models import Activity
from qualification.services.override import may_override, stages_ahead
from routing.models import Assignment, SlaClock

# All of one's own leads.
WHOLE = QueueFilter()


@dataclass(frozen=True)
class Place:
    """Where the lead stands in its rep's queue as they look at it, and its neighbours there."""

    number: int
    total: int
    before: int | None
    after: int | None
    # Whom to go on with: the one after it that wants something today, else the first such one of the list.
    onward: int | None


@dataclass(frozen=True)
class Rights:
    """What the reader may do with the lead."""

    work: bool
    reassign: bool
    override: bool = False
    erase: bool = False


@dataclass(frozen=True)
class Standing:
    """How a lead stands and what it wants: the part that list, preview and page share."""

    situation: Situation
    plan: Plan
    order: Order
    headline: Headline


@dataclass(frozen=True)
class Workspace:
    """Everything on the lead's page."""

    lead: Lead
    standing: Standing
    clock: SlaClock | None
    promised: Promised | None
    owner: SafeString
    certificate: int | None
    place: Place | None
    rights: Rights
    score: panels.ScorePanel | None
    learned: Learned | None
    pace: Pace
    timings: list[panels.Timing]
    total_ms: int | None
    timeline: Timeline


def workspace(
    near: CloseUp,
    reader: User,
    at: datetime,
    assessed: Assessment,
    *,
    shown: str = "all",
    chosen: QueueFilter = WHOLE,
) -> Workspace:
    """Gather the page; ``chosen`` is how the reader looks at the queue."""
    lead = near.lead
    owner, certificate = owner_line(near, reader, at)
    mine = _queue_of(reader, lead, at, chosen)
    activities = activities_of([lead.pk, *(one.pk for one in mine)])
    told = timeline(lead, reader, at, shown=shown)
    touch = told.newest_touch
    if told.shown not in ("all", "web"):
        touch = Touchpoint.objects.filter(lead=lead).order_by("-at").first()
    return Workspace(
        lead=lead,
        standing=standing(near, at, activities[lead.pk], assessed, touch),
        clock=near.clock,
        promised=promised(near.clock, near.assignment, near.attempts, at),
        owner=owner,
        certificate=certificate,
        place=place(lead, mine, activities, at),
        rights=rights(lead, reader),
        score=panels.score_panel(near.score, most=7),
        learned=learned(near.score),
        pace=pace(lead, near.pace, works=rights(lead, reader).work),
        timings=panels.timings(lead),
        total_ms=panels.total_ms(lead),
        timeline=told,
    )


def standing(
    near: CloseUp, at: datetime, activities: Sequence[Activity], assessed: Assessment, touch: Touchpoint | None
) -> Standing:
    """How one lead stands, from what is loaded already."""
    lead = near.lead
    situation = Situation(
        lead=lead,
        at=at,
        clock=near.running,
        touch=touch,
        nurture=near.nurture,
        pace=near.pace,
        missing=tuple(item.question for item in assessed.items if item.is_open),
        **history(lead, activities).__dict__,
    )
    decided = plan(situation)
    return Standing(situation, decided, order(situation, decided), headline(situation, decided))


def rights(lead: Lead, reader: User) -> Rights:
    """Work: the owner and their team; reassign: team leads and admins. Managers and marketing look on."""
    worker = has_role(reader, SDR, TEAM_LEAD, ADMIN)
    overrides = bool(stages_ahead(lead)) and may_override(reader)
    return Rights(
        work=worker, reassign=has_role(reader, TEAM_LEAD, ADMIN), override=overrides, erase=has_role(reader, ADMIN)
    )


def next_after(lead: Lead, reader: User, at: datetime, chosen: QueueFilter) -> int | None:
    """Whom the reader goes on with after this lead; None where nothing more waits today."""
    mine = _queue_of(reader, lead, at, chosen)
    found = place(lead, mine, activities_of([one.pk for one in mine]), at)
    return found.onward if found else None


def _queue_of(reader: User, lead: Lead, at: datetime, chosen: QueueFilter) -> list[Lead]:
    """The reader's queue as they look at it, all of it where the lead is not in view; empty if it is not theirs."""
    if lead.owner_id != reader.pk or not lead.is_working:
        return []
    seen = list(queue.first(filtered(queue.tab_leads(reader, chosen.tab), chosen), at)[: queue.MOST])
    if chosen.is_plain or lead in seen:
        return seen
    return list(queue.first(queue.my_leads(reader), at)[: queue.MOST])


def place(lead: Lead, mine: Sequence[Lead], activities: Mapping[int, list[Activity]], at: datetime) -> Place | None:
    """Where the lead stands in the reader's own queue; None if it is not there.

    The order needs promises and our own activities, nothing else of how the leads stand.
    """
    stand = [
        Situation(lead=one, at=at, clock=clock_of(one), pace=pace_of(one), **history(one, activities[one.pk]).__dict__)
        for one in mine
    ]
    ranked = queue.ranked(stand)
    ids = [situation.lead.pk for situation, _plan, _order in ranked]
    if lead.pk not in ids:
        return None
    here = ids.index(lead.pk)
    today = [one.lead.pk for one, decided, _order in ranked if decided.group not in queue.NOT_TODAY]
    onward = [pk for pk in (*ids[here + 1 :], *ids[:here]) if pk in today]
    return Place(
        number=here + 1,
        total=len(ids),
        before=ids[here - 1] if here else None,
        after=ids[here + 1] if here + 1 < len(ids) else None,
        onward=onward[0] if onward else None,
    )


def owner_line(near: CloseUp, reader: User, at: datetime) -> tuple[SafeString, int | None]:
    """Whose lead it is, since when and why, as a sentence; and the decision behind it, if one is kept."""
    assignment = near.assignment
    if assignment is None:
        return _nobody(near, at)
    since = formats.clock_time(assignment.starts_at)
    if formats.day(assignment.starts_at, at=at) != formats.day(at, at=at):
        since = f"{formats.day(assignment.starts_at, at=at)}, {since}"
    mine = assignment.user_id == reader.pk
    whose = _("Yours") if mine else _("With %(name)s") % {"name": assignment.user}
    rule = assignment.certificate.rule if assignment.certificate else None
    because = {
        Assignment.Reason.PERSON: _("given by %(name)s") % {"name": assignment.assigned_by or _("a person")},
        Assignment.Reason.CLAIM: _("taken from the waiting room"),
        Assignment.Reason.HISTORY: _("brought in with the history"),
    }.get(Assignment.Reason(assignment.reason), "")
    if rule is not None:
        line = format_html(
            _("{whose} since {since}: rule {number}, <em>{rule}</em>."),
            whose=whose,
            since=since,
            number=rule.position,
            rule=rule.name,
        )
    elif because:
        line = format_html(_("{whose} since {since}, {because}."), whose=whose, since=since, because=because)
    else:
        line = format_html(_("{whose} since {since}."), whose=whose, since=since)
    return line, assignment.certificate_id


def _nobody(near: CloseUp, at: datetime) -> tuple[SafeString, int | None]:
    lead, waiting = near.lead, near.wait
    if waiting is not None:
        pattern = _("In the waiting room since {since}: {reason} Tried again {when}.")
        line = format_html(
            pattern,
            since=formats.relative(waiting.since, at=at),
            reason=_(waiting.reason) if waiting.reason.endswith(".") else f"{waiting.reason}.",
            when=formats.wall_time(waiting.wake_at, at=at),
        )
        return line, waiting.certificate_id
    if lead.is_history:
        return format_html("{}", _("Brought in as history; nobody has to work it.")), None
    if lead.owner is not None:
        return format_html(_("Worked by {name}."), name=lead.owner), None
    return format_html("{}", _("Nobody's yet.")), None
