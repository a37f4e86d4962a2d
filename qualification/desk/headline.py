"""The sentence on top of a lead's page and preview: what to do now, and the reason before the figure."""

from datetime import timedelta

from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Stage
from qualification.desk.facts import at_their_place, calling_from, may_be_called, place_of
from qualification.desk.plan import Plan, Step
from qualification.desk.situation import Situation
from qualification.desk.why import Headline, asked_for, by_when, came_back, last_try, stirred, weekday
from qualification.models import Activity, CadenceStep


def headline(situation: Situation, plan: Plan, *, in_short: bool = False) -> Headline:
    """What to do about this lead and why, in two or three short sentences; ``in_short`` without what they wrote."""
    lead = situation.lead
    if not lead.is_working:
        return _closed(situation)
    if plan.step is Step.FIRST_TOUCH and not lead.contact.is_reachable:
        return Headline(
            _("Not reachable yet:"), _("the source gave no address. Add an e-mail or a phone number."), "alert"
        )
    message = "" if in_short or plan.step in (Step.STIRRED, Step.SENT_BACK) else _message(situation)
    act, icon = _act(situation, plan)
    because = (_because(situation, plan), message, _promise(situation, plan, act), _their_hour(situation, plan))
    return Headline(act, " ".join(filter(None, because)), icon)


def _closed(situation: Situation) -> Headline:
    lead = situation.lead
    since = formats.day(lead.stage_at, at=situation.at)
    if lead.stage == Stage.OPPORTUNITY:
        who = str(lead.ae) if lead.ae else ""
        because = _("%(ae)s works it since %(day)s.") % {"ae": who, "day": since} if who else ""
        return Headline(_("An opportunity by now."), because)
    if lead.stage == Stage.WON:
        return Headline(_("Won."), _("Since %(day)s.") % {"day": since})
    reason = lead.reason.label if lead.reason else ""
    if lead.stage == Stage.RECYCLED:
        if lead.wake_at is None:
            because = _("%(reason)s, since %(day)s. Comes back when the person stirs.")
            return Headline(_("Recycled."), because % {"reason": reason, "day": since})
        because = _("%(reason)s, since %(day)s. Wakes up on %(wake)s.")
        words = {"reason": reason, "day": since, "wake": formats.day(lead.wake_at, at=situation.at)}
        return Headline(_("Recycled."), because % words)
    return Headline(_("Disqualified."), _("%(reason)s, since %(day)s.") % {"reason": reason, "day": since})


def _act(situation: Situation, plan: Plan) -> tuple[str, str]:
    """What to do, and the icon of how it is done."""
    contact = situation.lead.contact
    name = contact.first_name or contact.last_name
    words = {"name": name}
    if plan.step is Step.PAUSED:
        return _("Put aside."), "snooze"
    if plan.step is Step.GIVE_UP:
        return _("Recycle, or try once more."), "phone"
    if plan.step is Step.SENT_BACK:
        return _("Find out what the AE missed."), "phone"
    planned = situation.pace.step if plan.step is Step.PACED and situation.pace else None
    if planned is not None and planned.kind in (CadenceStep.Kind.SOCIAL, CadenceStep.Kind.TASK):
        return planned.hint or _("A step is due."), "globe" if planned.kind == CadenceStep.Kind.SOCIAL else "check"
    is_written = planned is not None and planned.kind == CadenceStep.Kind.EMAIL
    if is_written or not contact.phone or (contact.email and _number_is_wrong(situation)):
        return _("Write to %(name)s.") % words if name else _("Write now."), "mail"
    if plan.due_at is not None and plan.due_at > situation.at + timedelta(hours=1):
        return _("Call %(name)s by %(when)s.") % (words | {"when": by_when(plan.due_at, situation.at)}), "phone"
    if plan.step is not Step.APPOINTMENT and not may_be_called(contact, situation.at):
        # A call would wake somebody up, or reach nobody. A mail keeps the promise as well.
        if contact.email:
            return _("Write to %(name)s now.") % words if name else _("Write now."), "mail"
        from_when = by_when(calling_from(contact, situation.at), situation.at)
        said = _("Call %(name)s from %(when)s on.") if name else _("Call from %(when)s on.")
        return said % (words | {"when": from_when}), "phone"
    return _("Call %(name)s now.") % words if name else _("Call now."), "phone"


def _number_is_wrong(situation: Situation) -> bool:
    return situation.last is not None and situation.last.disposition == Activity.Disposition.BAD_NUMBER


def _because(situation: Situation, plan: Plan) -> str:
    lead = situation.lead
    if plan.step is Step.STIRRED:
        did = stirred(situation.touch, lead.subject)
        return _("%(did)s, %(ago)s.") % {"did": did, "ago": formats.relative(lead.last_touch_at, at=situation.at)}
    if plan.step is Step.FIRST_TOUCH:
        return _first_interest(situation)
    if plan.step is Step.SENT_BACK and lead.reason is not None:
        words = {"reason": formats.inside(lead.reason.label), "day": weekday(lead.stage_at, situation.at)}
        said = _("The handoff was refused %(day)s: %(reason)s.") % words
        return f"{said} {formats.quoted(lead.reason_note)}" if lead.reason_note else said
    return _sentence(last_try(situation))


def _first_interest(situation: Situation) -> str:
    lead = situation.lead
    ago = formats.relative(lead.captured_at, at=situation.at)
    if back := came_back(situation):
        return _sentence(back)
    asked = asked_for(lead.subject)
    line = _("Asked for %(what)s %(ago)s.") if asked else _("Came %(ago)s.")
    return line % {"what": asked, "ago": ago}


def _message(situation: Situation) -> str:
    words = situation.touch.message.strip() if situation.touch else ""
    return formats.quoted(Truncator(" ".join(words.split())).chars(150)) if words else ""


def _their_hour(situation: Situation, plan: Plan) -> str:
    """What the clock says over there, where a call now would wake somebody up or reach nobody."""
    contact, at = situation.lead.contact, situation.at
    there = at_their_place(contact, at)
    later = plan.step is Step.PAUSED or (plan.due_at is not None and plan.due_at > at + timedelta(hours=1))
    if there is None or later or not contact.phone or may_be_called(contact, at):
        return ""
    words = {"when": date_format(there, _("l, G:i"), use_l10n=False), "place": place_of(contact)}
    return _("It is %(when)s in %(place)s now.") % words


def _sentence(words: str) -> str:
    return f"{words}." if words and words[-1] not in ".!?”“" else words


def _promise(situation: Situation, plan: Plan, act: str) -> str:
    if plan.due_at is None:
        return ""
    words = {
        "when": by_when(plan.due_at, situation.at),
        "span": formats.span((situation.at - plan.due_at).total_seconds()),
    }
    over = plan.due_at <= situation.at
    if plan.step is Step.FIRST_TOUCH:
        return (_("The promise ended %(span)s ago.") if over else _("Your promise ends %(when)s.")) % words
    if plan.step is Step.APPOINTMENT:
        return (_("It was agreed for %(when)s.") if over else _("Agreed for %(when)s.")) % words
    if plan.step is Step.PAUSED:
        return _("Comes back by itself: %(when)s.") % words
    # A date that the first words name already is not said again.
    return "" if over or words["when"] in act else _("Next try: %(when)s.") % words
