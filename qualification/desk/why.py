"""Why a lead is next, as a person would say it: one short line for the list, one sentence for the lead's page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats
from leads.models import Channel, Touchpoint
from qualification.desk.plan import Plan, Step
from qualification.desk.situation import Situation
from qualification.models import Activity, NurtureEnrolment

LONGEST = 62


@dataclass(frozen=True)
class Headline:
    """What to do, in strong type, and why, after it; ``icon`` of how it is done."""

    act: str
    because: str
    icon: str = "check"


def why(situation: Situation, plan: Plan) -> str:
    """The line in the list, at most 62 characters."""
    return Truncator(_LINES[plan.step](situation, plan)).chars(LONGEST)


def asked_for(subject: str) -> str:
    """What somebody asked for, as the object of a sentence; empty if nobody knows."""
    known = {
        "demo": _("a demo"),
        "pricing": _("prices"),
        "price": _("prices"),
        "quote": _("an offer"),
        "contact": _("a call"),
        "callback": _("a call back"),
        "call-back": _("a call back"),
        "trial": _("a trial"),
        "webinar": _("a webinar"),
        "brochure": _("a brochure"),
        "whitepaper": _("a whitepaper"),
        "newsletter": _("the newsletter"),
    }
    word = subject.strip()
    return known.get(word.lower(), formats.quoted(word) if word else "")


def by_when(when: datetime, at: datetime) -> str:
    """An hour of today, or day and hour."""
    return formats.wall_time(when, at=at)


def weekday(when: datetime, at: datetime) -> str:
    """The day of something that was: today, yesterday, Friday, 12 Nov."""
    days = (timezone.localtime(at).date() - timezone.localtime(when).date()).days
    if days <= 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    if days < 7:
        return _("on %(day)s") % {"day": date_format(timezone.localtime(when), "l")}
    return _("on %(day)s") % {"day": formats.day(when, at=at)}


def _paused(situation: Situation, plan: Plan) -> str:
    until = by_when(plan.due_at, situation.at) if plan.due_at else ""
    return _("Put aside until %(when)s") % {"when": until}


def _appointment(situation: Situation, plan: Plan) -> str:
    made, due = situation.appointment, plan.due_at
    if made is None or due is None:
        return ""
    words = {"when": by_when(due, situation.at)}
    if made.kind == Activity.Kind.MEETING:
        line = _("Meeting agreed for %(when)s") % words
    else:
        line = _("Call back promised for %(when)s") % words
    return _with_missing(line, situation)


def _first_touch(situation: Situation, plan: Plan) -> str:
    lead = situation.lead
    if not lead.contact.is_reachable:
        return _("Not reachable yet: the source gave no address")
    if back := came_back(situation):
        return _("%(how)s; nobody has called yet") % {"how": back}
    staff = lead.contact.company.staff if lead.contact.company else None
    if asked := asked_for(lead.subject):
        if staff:
            line = _("Asked for %(what)s, %(staff)s staff; nobody has called yet")
            line %= {"what": asked, "staff": formats.number(staff)}
            if len(line) <= LONGEST:
                return line
        return _("Asked for %(what)s; nobody has called yet") % {"what": asked}
    if lead.channel.kind == Channel.Kind.IMPORT:
        return _("Came with a file; nobody has called yet")
    if lead.channel.kind == Channel.Kind.MANUAL:
        return _("Entered by hand; nobody has called yet")
    return _("New interest; nobody has called yet")


def came_back(situation: Situation) -> str:
    """How a recycled lead returned, if that is why it is here; else empty."""
    one, lead = situation.nurture, situation.lead
    if one is None or one.ended_at is None or one.ended_at < lead.captured_at - timedelta(hours=1):
        return ""
    days = (one.ended_at - one.starts_at).days
    if one.end == NurtureEnrolment.End.WOKEN:
        return _("Wake-up date has come (%(reason)s)") % {"reason": one.reason.label}
    return ngettext("Came back after %(days)d day", "Came back after %(days)d days", days) % {"days": days}


def stirred(touch: Touchpoint | None, lead_subject: str) -> str:
    """What the person did last, as a past tense without the time."""
    kind = touch.kind if touch else ""
    if kind == Touchpoint.Kind.VISIT:
        return _("Was on the website again")
    if kind == Touchpoint.Kind.EMAIL_CLICK:
        return _("Clicked in an e-mail")
    if kind == Touchpoint.Kind.EMAIL_OPEN:
        return _("Opened an e-mail")
    asked = asked_for((touch.subject if touch else "") or lead_subject)
    return _("Asked for %(what)s again") % {"what": asked} if asked else _("Got in touch again")


def _stirred(situation: Situation, plan: Plan) -> str:
    did = stirred(situation.touch, situation.lead.subject)
    return _("%(did)s, %(ago)s") % {"did": did, "ago": formats.relative(situation.lead.last_touch_at, at=situation.at)}


def _sent_back(situation: Situation, plan: Plan) -> str:
    reason = situation.lead.reason
    return _("Handoff refused: %(reason)s") % {"reason": formats.inside(reason.label) if reason else ""}


def _paced(situation: Situation, plan: Plan) -> str:
    pace = situation.pace
    if pace is None or pace.step is None:
        return _("Their answer is waited for")
    words = {"what": pace.step.get_kind_display(), "number": pace.steps_done + 1, "cadence": pace.cadence.name}
    return _("%(what)s: step %(number)d of %(cadence)s") % words


def last_try(situation: Situation) -> str:
    """What came of our last touch."""
    last = situation.last
    if last is None:
        return ""
    day = weekday(last.at, situation.at)
    lines: dict[str, str] = {
        Activity.Disposition.CONNECTED: _("Spoke %(day)s"),
        Activity.Disposition.NO_ANSWER: _("No answer %(day)s"),
        Activity.Disposition.VOICEMAIL: _("Voicemail %(day)s"),
        Activity.Disposition.CALL_BACK: _("Spoke %(day)s"),
        Activity.Disposition.BAD_NUMBER: _("Wrong number %(day)s"),
        Activity.Disposition.SENT: _("E-mail sent %(day)s, no reply since"),
        Activity.Disposition.HELD: _("Met %(day)s"),
        Activity.Disposition.BOOKED: _("Meeting agreed %(day)s"),
    }
    return lines.get(last.disposition, _("Last touch %(day)s")) % {"day": day}


def _follow_up(situation: Situation, plan: Plan) -> str:
    line = last_try(situation)
    if not line:
        return _with_missing(_("Waits for its next step"), situation)
    if situation.connected:
        return _with_missing(line, situation)
    if situation.last and situation.last.disposition == Activity.Disposition.BAD_NUMBER:
        return _("%(line)s: write, or find another number") % {"line": line}
    return _("Try %(number)d: %(line)s") % {"number": situation.attempts + 1, "line": formats.inside(line)}


def _give_up(situation: Situation, plan: Plan) -> str:
    return _("%(tries)d tries without an answer: recycle, or try once more") % {"tries": situation.attempts}


def _with_missing(line: str, situation: Situation) -> str:
    names = [question.label for question in situation.missing]
    if not names or len(names) > 3:
        return line
    if len(names) == 1:
        return _("%(line)s; only %(name)s is open") % {"line": line, "name": formats.inside(names[0])}
    return _("%(line)s; open: %(names)s") % {"line": line, "names": ", ".join(formats.inside(name) for name in names)}


_LINES = {
    Step.PAUSED: _paused,
    Step.APPOINTMENT: _appointment,
    Step.FIRST_TOUCH: _first_touch,
    Step.STIRRED: _stirred,
    Step.FOLLOW_UP: _follow_up,
    Step.GIVE_UP: _give_up,
    Step.PACED: _paced,
    Step.SENT_BACK: _sent_back,
}
