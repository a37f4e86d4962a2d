"""What to do next, what to ask for, and why a button is off: sentences for the right-hand side of a lead."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats
from leads.models import Lead, Stage
from qualification.desk.facts import calling_from, may_be_called
from qualification.desk.panels import Assessment
from qualification.desk.plan import ENOUGH_TRIES, NEXT_TRY_AFTER, Step
from qualification.desk.workspace import Standing
from qualification.models import CadenceEnrolment, CadenceStep


def next_step_words(standing: Standing) -> str:
    """What comes next, as an instruction."""
    situation, plan, lead = standing.situation, standing.plan, standing.situation.lead
    if not lead.is_working:
        return _closed(lead)
    when = formats.wall_time(plan.due_at, at=situation.at) if plan.due_at else ""
    if plan.step is Step.PAUSED:
        return _("Nothing until %(when)s; then it is back in the queue.") % {"when": when}
    if not lead.contact.is_reachable:
        return _("Find an e-mail address or a phone number and enter it on the left.")
    if plan.step is Step.APPOINTMENT:
        return _("Call back at the agreed time: %(when)s.") % {"when": when}
    if plan.step is Step.PACED and situation.pace is not None:
        return pace_words(situation.pace, when, is_due=plan.due_at is None or plan.due_at <= situation.at)
    if plan.step is Step.GIVE_UP:
        return _("%(tries)d tries without an answer. Recycle it, or try once more.") % {"tries": situation.attempts}
    if plan.step is Step.SENT_BACK:
        return _("Ask for what the AE missed and enter the answer; then it is handed over again by itself.")
    if not lead.contact.phone:
        return _("Write; there is no number to call.")
    if plan.step in (Step.FIRST_TOUCH, Step.STIRRED) and not may_be_called(lead.contact, situation.at):
        begins = {"when": formats.wall_time(calling_from(lead.contact, situation.at), at=situation.at)}
        if lead.contact.email:
            return _("Write. Their working day begins %(when)s; call then.") % begins
        return _("Call when their working day begins: %(when)s.") % begins
    if plan.step is Step.FIRST_TOUCH:
        days = NEXT_TRY_AFTER[0].days
        again = ngettext(
            "Call. If nobody answers, leave a voicemail and write; the second try comes after %(days)d day.",
            "Call. If nobody answers, leave a voicemail and write; the second try comes after %(days)d days.",
            days,
        )
        return again % {"days": days}
    if plan.step is Step.STIRRED:
        return _("Call while they are at it.")
    return _follow_up(standing, when)


def pace_words(pace: CadenceEnrolment, when: str, *, is_due: bool) -> str:
    """The planned step as an instruction, with what the cadence says of it."""
    step = pace.step
    if step is None:
        return _("Every step of %(cadence)s is done; their answer is waited for until %(when)s.") % {
            "cadence": pace.cadence.name,
            "when": when,
        }
    words = {"what": step_words(step), "number": pace.steps_done + 1, "cadence": pace.cadence.name, "when": when}
    if pace.by_hand:
        said = _("%(what)s by hand (step %(number)d of %(cadence)s): it cannot go out by itself.")
    elif step.is_automatic:
        said = _("%(what)s goes out by itself %(when)s (step %(number)d of %(cadence)s).")
    elif is_due:
        said = _("%(what)s now: step %(number)d of %(cadence)s.")
    else:
        said = _("%(what)s %(when)s: step %(number)d of %(cadence)s.")
    return said % words + (f" {step.hint}" if step.hint else "")


def step_words(step: CadenceStep) -> str:
    """What is done, in a word or two."""
    return {
        CadenceStep.Kind.CALL: _("Call"),
        CadenceStep.Kind.EMAIL: _("E-mail"),
        CadenceStep.Kind.SOCIAL: _("Message on a network"),
        CadenceStep.Kind.TASK: _("Task"),
    }[CadenceStep.Kind(step.kind)]


def _follow_up(standing: Standing, when: str) -> str:
    situation, due = standing.situation, standing.plan.due_at
    if due is None:
        return _("Call when there is time.")
    if situation.connected:
        words = _("Follow up now; the last talk was some days ago.")
        return words if due <= situation.at else _("Follow up %(when)s.") % {"when": when}
    tries = {"number": situation.attempts + 1, "most": ENOUGH_TRIES, "when": when}
    if due <= situation.at:
        return _("Try %(number)d of %(most)d is due.") % tries
    return _("Try %(number)d of %(most)d: %(when)s.") % tries


def _closed(lead: Lead) -> str:
    if lead.stage == Stage.OPPORTUNITY:
        return _("The AE decides about the handoff and works the deal.")
    if lead.stage == Stage.RECYCLED:
        return _("Nothing; it comes back by itself, or open it again.")
    return _("Nothing more to do here.")


def ask_words(assessment: Assessment) -> str:
    """What to ask for, and what happens then."""
    names = [formats.inside(item.question.label) for item in assessment.open_items]
    listed = (
        _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]} if names[1:] else names[0]
    )
    return _("Ask for: %(names)s. Then it becomes an SQL by itself.") % {"names": listed}


def _held_up(lead: Lead) -> str:
    """Why the opportunity of an SQL is not made by itself, where it tried."""
    tried = lead.events.filter(kind__startswith="conversion.", at__gte=lead.stage_at).order_by("-pk").first()
    if tried is None:
        return ""
    if tried.kind == "conversion.asked":
        return _("The company has an open deal: say under “CRM” what becomes of this lead.")
    return str(tried.data.get("why") or "")


def why_off(assessment: Assessment, lead: Lead) -> str:
    """Why no opportunity can be made by hand now."""
    if lead.stage == Stage.SQL and (held := _held_up(lead)):
        return held
    if lead.stage == Stage.SQL:
        return _("It is an SQL: the opportunity is being made by itself.")
    names = [formats.inside(item.question.label) for item in assessment.open_items]
    if names:
        return _("Needs %(names)s. The opportunity is made by itself then.") % {"names": ", ".join(names)}
    if assessment.is_of_before:
        return _("The answers are from before. The opportunity is made by itself once one is given anew.")
    return _("The answers are there; the SQL criteria do not hold yet.")
