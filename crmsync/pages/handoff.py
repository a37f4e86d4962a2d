"""The handoff's page: can I work it without asking twice?"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import OuterRef, Q, Subquery
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_default_timezone, localtime
from django.utils.translation import gettext as _

from crmsync.models import Handoff, Link
from crmsync.pages.summary import summary
from crmsync.services.choose import why_sentence
from crmsync.services.handoff import may_decide
from leads.models import Contact, Lead, LeadEvent, Reason, Stage, Touchpoint, User
from qualification.desk.sentences import Told, Words, activity_told, event_told, touch_told
from qualification.desk.timeline import BY_PEOPLE
from qualification.models import Activity, Answer, Criteria, Question

WEAK = 2
# What people brought about, and the stages; answers stand above, the machine's own steps on the lead's page.
TOLD = (Q(kind__in=BY_PEOPLE) & ~Q(kind="answer.given")) | Q(kind__startswith="stage.") | Q(kind="opportunity.lost")
MOST_COLLEAGUES = 6
MOST_ENTRIES = 8
SPOKEN = (Activity.Disposition.CONNECTED, Activity.Disposition.HELD, Activity.Disposition.CALL_BACK)


@dataclass(frozen=True)
class Person:
    """Somebody at the company, and what is known of where they stand."""

    contact: Contact
    badge: str
    tone: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of how it came here."""

    at: datetime
    told: Told
    is_person: bool


@dataclass(frozen=True)
class Refusal:
    """A reason to refuse, and what follows from it."""

    reason: Reason
    hint: str
    wake_on: date | None


@dataclass(frozen=True)
class HandoffPage:
    """Everything on the page, for one reader."""

    handoff: Handoff
    summary: list[SafeString]
    promises: list[Activity]
    unknown: list[SafeString]
    answers: list[Answer]
    criteria: str
    people: list[Person]
    entries: list[Entry]
    why: str
    refusals: list[Refusal]
    may_decide: bool
    link: Link | None
    place: int
    waiting: int


def handoff_page(handoff: Handoff, reader: User, at: datetime) -> HandoffPage:
    """Gather it; the number of queries does not depend on how much there is to tell."""
    lead = handoff.opportunity.lead
    touches = list(Touchpoint.objects.filter(lead=lead).select_related("source").order_by("at", "pk")[:50])
    answers = list(
        Answer.objects.filter(lead=lead, superseded_at=None)
        .select_related("question", "by")
        .order_by("question__position")
    )
    activities = list(Activity.objects.filter(lead=lead, undone_at=None).select_related("by").order_by("at"))
    promises = [one for one in activities if one.due_at and _is_open(one, activities)]
    promises.sort(key=lambda one: one.due_at or one.at)
    events = list(LeadEvent.objects.filter(lead=lead).filter(TOLD).select_related("actor").order_by("-at", "-pk")[:100])
    reasons = list(Reason.objects.all())
    questions = list(Question.objects.filter(framework__is_active=True).order_by("position"))
    words = Words(
        at=at,
        reasons={one.code: one.label for one in reasons},
        questions={one.key: one.label for one in questions},
        people={},
        answers={one.pk: one.value for one in answers},
    )
    own = list(Handoff.objects.filter(ae=handoff.ae_id).undecided().values_list("pk", flat=True))
    return HandoffPage(
        handoff=handoff,
        summary=summary(lead, touches, answers, promises, at),
        promises=promises,
        unknown=_unknown(lead, questions, answers, activities),
        answers=answers,
        criteria=_criteria(events),
        people=_people(handoff, activities),
        entries=_entries(touches, activities, events, words),
        why=why_sentence(handoff.why) if handoff.ae_id == reader.pk else "",
        refusals=_refusals(handoff, reasons, at),
        may_decide=may_decide(handoff, reader) and handoff.status == Handoff.Status.OFFERED,
        link=Link.objects.filter(opportunity=handoff.opportunity_id).select_related("connection").first(),
        place=own.index(handoff.pk) + 1 if handoff.pk in own else 0,
        waiting=len(own),
    )


def _is_open(promise: Activity, activities: list[Activity]) -> bool:
    """Agreed and not kept yet: no later talk than the hour it was agreed for."""
    return not any(
        one.disposition in SPOKEN and promise.due_at and one.at >= promise.due_at and one.pk != promise.pk
        for one in activities
    )


def _entries(
    touches: list[Touchpoint], activities: list[Activity], events: list[LeadEvent], words: Words
) -> list[Entry]:
    """The last of what people did, newest first."""
    found = [Entry(one.at, touch_told(one), one.kind != Touchpoint.Kind.VISIT) for one in touches]
    found += [Entry(one.at, activity_told(one, words.at), True) for one in activities]
    found += [Entry(one.at, event_told(one, words), one.actor_id is not None) for one in events]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:MOST_ENTRIES]


def _unknown(
    lead: Lead, questions: list[Question], answers: list[Answer], activities: list[Activity]
) -> list[SafeString]:
    """What nobody asked, what was only guessed, whom nobody has spoken to."""
    found: list[SafeString] = []
    known = {answer.question_id: answer for answer in answers}
    for question in questions:
        answer = known.get(question.pk)
        if answer is None:
            found.append(format_html(_("<strong>{label}</strong>: not asked. {ask}"), **_asked(question)))
        elif not answer.is_met:
            found.append(format_html(_("<strong>{label}</strong> speaks against us: {value}"), **_told(answer)))
        elif answer.confidence <= WEAK:
            found.append(format_html(_("<strong>{label}</strong> is only a guess: {value}"), **_told(answer)))
        elif answer.evidence == Answer.Evidence.NONE:
            found.append(format_html(_("<strong>{label}</strong> has no evidence: {value}"), **_told(answer)))
    if not any(one.disposition in SPOKEN for one in activities):
        found.append(format_html(_("Nobody has spoken to {name} yet."), name=lead.contact.name))
    if not lead.contact.phone:
        found.append(escape(_("There is no phone number.")))
    return found


def _asked(question: Question) -> dict[str, str]:
    return {"label": question.label, "ask": question.ask}


def _told(answer: Answer) -> dict[str, str]:
    return {"label": answer.question.label, "value": answer.value}


def _criteria(events: list[LeadEvent]) -> str:
    """Which criteria made it an SQL."""
    event = next((one for one in events if one.kind == "stage.sql"), None)
    if event is None or not event.data.get("criteria"):
        return ""
    criteria = Criteria.objects.filter(pk=event.data["criteria"]).select_related("framework").first()
    if criteria is None:
        return ""
    named = _("SQL criteria, version %(version)s") % {"version": criteria.version}
    return f"{criteria.framework}, {named}" if criteria.framework else named


def _people(handoff: Handoff, activities: list[Activity]) -> list[Person]:
    """The contact first, then others of the same company whom we know."""
    contact = handoff.opportunity.lead.contact
    spoken = any(one.disposition in SPOKEN for one in activities)
    badge, tone = (_("spoken to"), "good") if spoken else (_("not spoken to"), "warn")
    people = [Person(contact, badge, tone)]
    if contact.company_id is None:
        return people
    stage = Lead.objects.filter(contact=OuterRef("pk")).order_by("-captured_at").values("stage")[:1]
    others = Contact.objects.filter(company=contact.company_id).exclude(pk=contact.pk).annotate(stage=Subquery(stage))
    return people + [
        Person(other, str(Stage(other.stage).label) if other.stage else _("not met"))
        for other in others.order_by("-updated_at")[:MOST_COLLEAGUES]
    ]


def _date(day: date) -> str:
    return date_format(day, _("j M Y"), use_l10n=False)


def _refusals(handoff: Handoff, reasons: list[Reason], at: datetime) -> list[Refusal]:
    today = localtime(at, get_default_timezone()).date()
    sdr = handoff.sdr.first_name if handoff.sdr else ""
    found = []
    for reason in reasons:
        if reason.kind != Reason.Kind.REFUSE or not reason.is_active:
            continue
        wake_on = reason.wake_on(today)
        if reason.is_sending_back:
            hint = _("Back into %(sdr)s's queue at once") % {"sdr": sdr} if sdr else _("Back into the queue at once")
        elif wake_on is None:
            hint = _("Stays closed until they get in touch again")
        elif sdr:
            hint = _("Back to %(sdr)s, sleeps until %(day)s") % {"sdr": sdr, "day": _date(wake_on)}
        else:
            hint = _("Sleeps until %(day)s") % {"day": _date(wake_on)}
        found.append(Refusal(reason, hint, wake_on))
    return found
