"""The lead's page: who they are, what happened, what is missing, gathered for one reader."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.permissions import ADMIN, SDR, TEAM_LEAD, has_role
from leads.models import Lead, LeadEvent, User
from qualification.desk import panels, queue
from qualification.desk.headline import headline
from qualification.desk.order import Order, order
from qualification.desk.plan import Plan, plan
from qualification.desk.situation import Situation, situations
from qualification.desk.timeline import Timeline, timeline
from qualification.desk.why import Headline
from routing.models import Assignment, SlaClock, WaitingLead


@dataclass(frozen=True)
class Place:
    """Where the lead stands in its rep's queue, and its neighbours there."""

    number: int
    total: int
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Rights:
    """What the reader may do with the lead."""

    work: bool
    reassign: bool


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
    owner: SafeString
    certificate: int | None
    place: Place | None
    rights: Rights
    score: panels.ScorePanel | None
    timings: list[panels.Timing]
    total_ms: int | None
    timeline: Timeline
    last_event: int


def standing(lead: Lead, at: datetime) -> Standing:
    """How one lead stands."""
    situation = situations([lead], at)[0]
    decided = plan(situation)
    return Standing(situation, decided, order(situation, decided), headline(situation, decided))


def workspace(lead: Lead, reader: User, at: datetime, *, shown: str = "all") -> Workspace:
    """Gather the page. ``lead`` comes with its people (`with_people`)."""
    owner, certificate = owner_line(lead, reader, at)
    stands = standing(lead, at)
    return Workspace(
        lead=lead,
        standing=stands,
        clock=stands.situation.clock or SlaClock.objects.filter(lead=lead).order_by("-started_at", "-pk").first(),
        owner=owner,
        certificate=certificate,
        place=place(lead, reader, at),
        rights=rights(lead, reader),
        score=panels.score_panel(lead, most=7),
        timings=panels.timings(lead),
        total_ms=panels.total_ms(lead),
        timeline=timeline(lead, reader, at, shown=shown),
        last_event=last_event(lead),
    )


def last_event(lead: Lead) -> int:
    """The newest line of the lead's history, by number; 0 without any."""
    newest = LeadEvent.objects.filter(lead=lead).order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def rights(lead: Lead, reader: User) -> Rights:
    """Work: the owner and their team; reassign: team leads and admins. Managers and marketing look on."""
    worker = has_role(reader, SDR, TEAM_LEAD, ADMIN)
    return Rights(work=worker, reassign=has_role(reader, TEAM_LEAD, ADMIN))


def place(lead: Lead, reader: User, at: datetime) -> Place | None:
    """Where the lead stands in the reader's own queue; None if it is not theirs or not to be worked."""
    if lead.owner_id != reader.pk or not lead.is_working:
        return None
    ids = [row.lead.pk for row in queue.rows(queue.my_leads(reader), at)]
    if lead.pk not in ids:
        return None
    here = ids.index(lead.pk)
    return Place(
        number=here + 1,
        total=len(ids),
        before=ids[here - 1] if here else None,
        after=ids[here + 1] if here + 1 < len(ids) else None,
    )


def owner_line(lead: Lead, reader: User, at: datetime) -> tuple[SafeString, int | None]:
    """Whose lead it is, since when and why, as a sentence; and the decision behind it, if one is kept."""
    open_one = Assignment.objects.filter(lead=lead, ends_at__isnull=True)
    assignment = open_one.select_related("user", "assigned_by", "certificate__rule").first()
    if assignment is None:
        return _nobody(lead, at)
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


def _nobody(lead: Lead, at: datetime) -> tuple[SafeString, int | None]:
    waiting = WaitingLead.objects.filter(lead=lead, left_at__isnull=True).first()
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
