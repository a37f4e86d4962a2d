"""A line of history as a person would tell it, one small function per kind of event."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet
from django.db.models.functions import JSONObject
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Lead, LeadEvent, Reason, Touchpoint, User
from qualification.desk.facts import COMPANY_FIELDS, PERSON_FIELDS
from qualification.desk.why import asked_for
from qualification.models import Activity, Answer, CadenceEnrolment, Question


@dataclass(frozen=True)
class Words:
    """Labels that events name by their codes, loaded once for a whole timeline."""

    at: datetime
    reasons: dict[str, str]
    questions: dict[str, str]
    people: dict[int, str]
    answers: dict[int, str]


@dataclass(frozen=True)
class Told:
    """What a line says: icon, text, and what was said literally."""

    icon: str
    text: SafeString
    quote: str = ""
    stage: str = ""


def load_words(lead: Lead, at: datetime, events: Iterable[LeadEvent]) -> Words:
    """What these events of a lead name by code or number, in one query."""
    return read_words(dict(Lead.objects.filter(pk=lead.pk).values(**named_columns(events)).get()), at)


def named_columns(events: Iterable[LeadEvent]) -> dict[str, ArraySubquery]:
    """The same as columns of whatever is read anyway."""
    named: dict[str, set[int]] = {"user": set(), "answer": set()}
    for event in events:
        for name, found in named.items():
            if isinstance(value := event.data.get(name), int):
                found.add(value)
    questions = Question.objects.filter(framework__is_active=True)
    return {
        "named_reasons": _columns(Reason.objects.order_by("pk"), "code", "label_en", "label_de"),
        "named_questions": _columns(questions.order_by("pk"), "key", "label_en", "label_de"),
        "named_people": _columns(User.objects.filter(pk__in=named["user"]), "pk", "first_name", "last_name", "email"),
        "named_answers": _columns(Answer.objects.filter(pk__in=named["answer"]), "pk", "value"),
    }


def read_words(read: dict[str, Any], at: datetime) -> Words:
    """The words of a row that was read with ``named_columns``; a column of nobody is None."""
    return Words(
        at=at,
        reasons={row["code"]: Reason(**row).label for row in read["named_reasons"] or ()},
        questions={row["key"]: Question(**row).label for row in read["named_questions"] or ()},
        people={row["pk"]: str(User(**row)) for row in read["named_people"] or ()},
        answers={row["pk"]: row["value"] for row in read["named_answers"] or ()},
    )


def _columns(rows: QuerySet[Any], *names: str) -> ArraySubquery:
    """These columns of all rows, as one value."""
    return ArraySubquery(rows.annotate(_row=JSONObject(**{name: name for name in names})).values("_row"))


def line(pattern: str, **words: object) -> SafeString:
    """A pattern of ours with words of anybody's, which are escaped."""
    return format_html(pattern, **(words or {"none": ""}))


def touch_told(touch: Touchpoint) -> Told:
    """One touch of the person's."""
    icons = {Touchpoint.Kind.VISIT: "globe", Touchpoint.Kind.EMAIL_OPEN: "eye", Touchpoint.Kind.EMAIL_CLICK: "mail"}
    icon = icons.get(Touchpoint.Kind(touch.kind), "quote" if touch.message else "globe")
    return Told(icon, _touch_text(touch), formats.quoted(touch.message) if touch.message else "")


def _touch_text(touch: Touchpoint) -> SafeString:
    source = touch.source.name if touch.source else ""
    asked = asked_for(touch.subject)
    if touch.kind == Touchpoint.Kind.VISIT:
        return line(_("Visited {page}"), page=touch.landing_page or _("the website"))
    if touch.kind == Touchpoint.Kind.EMAIL_OPEN:
        return line(_("Opened an e-mail {about}"), about=asked)
    if touch.kind == Touchpoint.Kind.EMAIL_CLICK:
        return line(_("Clicked in an e-mail {about}"), about=asked)
    if touch.kind == Touchpoint.Kind.EMAIL and asked:
        return line(_("Wrote an e-mail: <strong>{asked}</strong>"), asked=asked)
    if touch.kind == Touchpoint.Kind.IMPORT:
        pattern = _("Came with a file, from <strong>{source}</strong>") if source else _("Came with a file")
    elif touch.kind == Touchpoint.Kind.MANUAL:
        pattern = _("Entered by hand, from <strong>{source}</strong>") if source else _("Entered by hand")
    elif asked:
        pattern = (
            _("Asked for <strong>{asked}</strong>, from {source}")
            if source
            else _("Asked for <strong>{asked}</strong>")
        )
    else:
        pattern = _("Got in touch, from <strong>{source}</strong>") if source else _("Got in touch")
    return line(pattern, source=source, asked=asked)


ACTIVITY_ICONS = {
    Activity.Kind.CALL: "phone",
    Activity.Kind.EMAIL: "mail",
    Activity.Kind.NOTE: "note",
    Activity.Kind.MEETING: "calendar",
}


def activity_told(activity: Activity, at: datetime) -> Told:
    """One activity of ours."""
    who = str(activity.by) if activity.by else _("Somebody")
    when = formats.wall_time(activity.due_at, at=at) if activity.due_at else ""
    patterns: dict[str, str] = {
        Activity.Disposition.CONNECTED: _("<strong>{who}</strong> called and got through"),
        Activity.Disposition.NO_ANSWER: _("<strong>{who}</strong> called: no answer"),
        Activity.Disposition.VOICEMAIL: _("<strong>{who}</strong> called and left a voicemail"),
        Activity.Disposition.CALL_BACK: _("<strong>{who}</strong> called; calls back {when}"),
        Activity.Disposition.BAD_NUMBER: _("<strong>{who}</strong> called: wrong number"),
        Activity.Disposition.SENT: _("<strong>{who}</strong> wrote an e-mail"),
        Activity.Disposition.HELD: _("<strong>{who}</strong> met them"),
        Activity.Disposition.BOOKED: _("<strong>{who}</strong> agreed a meeting for {when}"),
        "": _("<strong>{who}</strong> noted"),
    }
    pattern = patterns.get(activity.disposition, patterns[""])
    if activity.is_automatic:
        pattern = _("The cadence wrote for <strong>{who}</strong>")
    text = line(pattern, who=who, when=when)
    return Told(ACTIVITY_ICONS[Activity.Kind(activity.kind)], text, activity.body)


def event_told(event: LeadEvent, words: Words) -> Told:
    """One recorded event; a kind that is not known yet tells its name."""
    tell = _TELL.get(event.kind)
    if tell is not None:
        return tell(event, words)
    if event.kind.startswith("stage."):
        return _stage(event, words)
    return Told("sync", line("{kind}", kind=event.kind.replace(".", ": ").replace("_", " ")), _by(event))


def _by(event: LeadEvent) -> str:
    return str(event.actor) if event.actor else ""


def _who(event: LeadEvent) -> str:
    return str(event.actor) if event.actor else _("Leadmgmt")


def _plain(icon: str, pattern: Callable[[], str]) -> Callable[[LeadEvent, Words], Told]:
    def tell(event: LeadEvent, words: Words) -> Told:
        return Told(icon, line(pattern(), who=_who(event)), str(event.data.get("note") or ""))

    return tell


def _captured(event: LeadEvent, words: Words) -> Told:
    return Told("arrow-right", line(_("First touch; the lead began")))


def _enriched(event: LeadEvent, words: Words) -> Told:
    if event.data.get("late"):
        return Told("sync", line(_("More became known after the deadline")))
    return Told("sync", line(_("Enriched with what the providers know")))


def _scored(event: LeadEvent, words: Words) -> Told:
    data = event.data
    chance = data.get("win_probability")
    if chance is not None:
        pattern = _("Scored <strong>{grade}</strong>, {chance} likely to win")
        return Told("chart", line(pattern, grade=data.get("grade", ""), chance=formats.percent(chance)))
    return Told("chart", line(_("Scored <strong>{grade}</strong>"), grade=data.get("grade", "")))


def _assigned(event: LeadEvent, words: Words) -> Told:
    data = event.data
    owner = words.people.get(data.get("user") or 0) or data.get("owner_name")
    note = str(data.get("rule_name") or data.get("note") or "")
    if event.actor:
        pattern = _("<strong>{who}</strong> gave it to <strong>{owner}</strong>")
        return Told("route", line(pattern, who=_who(event), owner=owner or _("a rep")), note)
    return Told("route", line(_("Routed to <strong>{owner}</strong>"), owner=owner or _("a rep")), note)


def _waiting(event: LeadEvent, words: Words) -> Told:
    reason = str(event.data.get("reason") or "")
    return Told("pause", line(_("Put into the waiting room")), _(reason) if reason else "")


def _answer(event: LeadEvent, words: Words) -> Told:
    data = event.data
    key = str(data.get("question") or data.get("key") or "")
    label = words.questions.get(key, key)
    pattern = _("<strong>{who}</strong> answered <strong>{question}</strong>")
    if data.get("is_met") is False:
        pattern = _("<strong>{who}</strong> answered <strong>{question}</strong>: speaks against")
    return Told("check", line(pattern, who=_who(event), question=label), words.answers.get(data.get("answer") or 0, ""))


def _stage(event: LeadEvent, words: Words) -> Told:
    target = event.kind.partition(".")[2]
    code = str(event.data.get("reason") or "")
    reason = _("Got in touch again") if code == "touch" else words.reasons.get(code, code)
    note = _sentences(reason, str(event.data.get("note") or ""))
    if target == "recycled" and (wake := event.data.get("wake_at")):
        until = formats.day(datetime.fromisoformat(wake), at=words.at)
        note = _sentences(note, _("Wakes up on %(day)s") % {"day": until})
    if event.actor:
        return Told("arrow-right", line(_("<strong>{who}</strong> made it"), who=_who(event)), note, target)
    return Told("arrow-right", line(_("Became")), note, target)


def _sentences(*parts: str) -> str:
    """Parts as sentences; what says the same as another part is said once."""
    found = list(dict.fromkeys(part for part in parts if part))
    return ". ".join([*(part.rstrip(".") for part in found[:-1]), *found[-1:]])


def _corrected(event: LeadEvent, words: Words) -> Told:
    data = event.data
    pattern = _("<strong>{who}</strong> corrected <strong>{field}</strong>")
    return Told("note", line(pattern, who=_who(event), field=_field_name(data)))


def _field_name(data: dict[str, Any]) -> str:
    names = COMPANY_FIELDS if data.get("subject") == "company" else PERSON_FIELDS
    field = str(data.get("field") or "")
    return str(names.get(field, field.replace("_", " ")))


def _offered(event: LeadEvent, words: Words) -> Told:
    return Told("handoff", line(_("Offered to <strong>{ae}</strong>"), ae=event.data.get("ae_name") or _("an AE")))


def _refused(event: LeadEvent, words: Words) -> Told:
    reason = words.reasons.get(str(event.data.get("reason") or ""), "")
    note = _sentences(reason, str(event.data.get("note") or ""))
    return Told("handoff", line(_("<strong>{who}</strong> refused the handoff"), who=_who(event)), note)


def _deal_changed(event: LeadEvent, words: Words) -> Told:
    names = {"stage": _("Stage"), "amount": _("Amount"), "close_on": _("Expected close"), "owner": _("Owner")}
    lines = [
        f"{names.get(field, field)}: {change[0] or '–'} → {change[1] or '–'}"
        for field, change in dict(event.data.get("changes") or {}).items()
        if isinstance(change, list) and len(change) == 2
    ]
    return Told("sync", line(_("The deal changed in the CRM")), "\n".join(lines))


def _wake_set(event: LeadEvent, words: Words) -> Told:
    try:
        day = date.fromisoformat(str(event.data.get("wake_at") or ""))
    except ValueError:
        return Told("clock", line(_("Will wake up by itself")))
    said = _("<strong>{who}</strong> lets it wake up on {day}")
    return Told("clock", line(said, who=_who(event), day=date_format(day, _("j M Y"), use_l10n=False)))


def _deal_joined(event: LeadEvent, words: Words) -> Told:
    return Told("handoff", line(_("Went into an open deal of the company")), str(event.data.get("name") or ""))


def _deal_lost(event: LeadEvent, words: Words) -> Told:
    code = str(event.data.get("reason") or "")
    return Told("cross", line(_("The deal was lost")), str(event.data.get("text") or words.reasons.get(code, code)))


def _deal_won(event: LeadEvent, words: Words) -> Told:
    amount = event.data.get("amount")
    told = formats.money(Decimal(str(amount)), str(event.data.get("currency") or "")) if amount else ""
    return Told("check", line(_("The deal was won")), told)


def _deal_apart(event: LeadEvent, words: Words) -> Told:
    said = {
        "remote_deleted": _("The deal's record in {crm} was deleted"),
        "merged": _("The deal's record in {crm} was merged into another"),
    }.get(str(event.data.get("state")), _("The deal and its record in {crm} stand apart"))
    return Told("alert", line(said, crm=event.data.get("crm") or ""))


def _deal_reunited(event: LeadEvent, words: Words) -> Told:
    said = {
        "follow": _("<strong>{who}</strong> had the deal go on with another record in {crm}"),
        "one": _("<strong>{who}</strong> said that it is one deal with another in {crm}"),
        "resume": _("<strong>{who}</strong> had the deal go on in {crm}"),
        "again": _("<strong>{who}</strong> had the deal made again in {crm}"),
        "close": _("<strong>{who}</strong> closed the deal that is no longer in {crm}"),
    }.get(str(event.data.get("decision")), _("<strong>{who}</strong> kept the deal apart from {crm}"))
    return Told("sync", line(said, who=_who(event), crm=event.data.get("crm") or ""))


def _snoozed(event: LeadEvent, words: Words) -> Told:
    until = event.data.get("until")
    when = formats.wall_time(datetime.fromisoformat(until), at=words.at) if until else ""
    return Told("snooze", line(_("<strong>{who}</strong> put it aside until {when}"), who=_who(event), when=when))


def _cadence(icon: str, pattern: Callable[[], str]) -> Callable[[LeadEvent, Words], Told]:
    def tell(event: LeadEvent, words: Words) -> Told:
        ends = dict(CadenceEnrolment.End.choices)
        told = {name: str(event.data.get(name) or "") for name in ("cadence", "step")}
        return Told(icon, line(pattern(), **told, end=str(ends.get(event.data.get("end"), ""))), _by(event))

    return tell


def _mail(icon: str, pattern: Callable[[], str]) -> Callable[[LeadEvent, Words], Told]:
    return lambda event, words: Told(icon, line(pattern(), subject=event.data.get("subject") or ""))


_TELL: dict[str, Callable[[LeadEvent, Words], Told]] = {
    "lead.captured": _captured,
    "lead.touched": _plain("globe", lambda: _("Got in touch again")),
    "lead.enriched": _enriched,
    "contact.merged": _plain("merge", lambda: _("<strong>{who}</strong> merged two contacts into one")),
    "contact.parted": _plain("replay", lambda: _("<strong>{who}</strong> took a merge back")),
    "capture.reread": _plain("replay", lambda: _("A submission was read again by its mended mapping")),
    "consent.confirmed": _plain("check", lambda: _("Confirmed a consent by the link in the e-mail")),
    "consent.withdrawn": _plain("cross", lambda: _("Took a consent back by the link in the e-mail")),
    "cadence.begun": _cadence("sync", lambda: _("Began the cadence {cadence}")),
    "cadence.step": _cadence("check", lambda: _("Step of {cadence}: {step}")),
    "cadence.ended": _cadence("pause", lambda: _("The cadence {cadence} ended: {end}")),
    "nurture.mail": _mail("mail", lambda: _("The nurture programme wrote “{subject}”")),
    "mail.replied": _mail("replay", lambda: _("Answered our e-mail “{subject}”")),
    "mail.clicked": _mail("right", lambda: _("Clicked in our e-mail “{subject}”")),
    "mail.bounced": _mail("alert", lambda: _("Our e-mail “{subject}” came back")),
    "mail.failed": _plain("alert", lambda: _("Our e-mail could not be sent")),
    "lead.scored": _scored,
    "lead.assigned": _assigned,
    "lead.waiting": _waiting,
    "lead.corrected": _corrected,
    "lead.snoozed": _snoozed,
    "lead.resumed": _plain("replay", lambda: _("<strong>{who}</strong> took it up again")),
    "lead.accepted": _plain("check", lambda: _("<strong>{who}</strong> acknowledged it")),
    "answer.given": _answer,
    "answer.withdrawn": _plain("replay", lambda: _("<strong>{who}</strong> took an answer back")),
    "lead.handed_back": _plain("replay", lambda: _("<strong>{who}</strong> gave it back")),
    "activity.undone": _plain("replay", lambda: _("<strong>{who}</strong> took an activity back")),
    "sla.unacknowledged": _plain("alert", lambda: _("Was given and not acknowledged in time")),
    "sla.too_few": _plain("alert", lambda: _("Was not tried as often as promised")),
    "sla.escalated": _plain("alert", lambda: _("The team lead was told that the promise runs out")),
    "lead.passed_over": _plain("replay", lambda: _("Given on, as nobody was in touch in time")),
    "sla.breached": _plain("alert", lambda: _("The promise of a first touch ran out")),
    "lead.woken": _plain("replay", lambda: _("Its wake-up date came")),
    "handoff.offered": _offered,
    "handoff.accepted": _plain("handoff", lambda: _("<strong>{who}</strong> accepted the handoff")),
    "handoff.refused": _refused,
    "lead.wake_set": _wake_set,
    "conversion.waiting": _plain("pause", lambda: _("Waits for an AE who can take it")),
    "conversion.asked": _plain("pause", lambda: _("Waits for a word: the company has an open deal")),
    "opportunity.joined": _deal_joined,
    "opportunity.created": _plain("handoff", lambda: _("The opportunity was made")),
    "opportunity.apart": _deal_apart,
    "opportunity.reunited": _deal_reunited,
    "opportunity.won": _deal_won,
    "opportunity.lost": _deal_lost,
    "opportunity.changed": _deal_changed,
}
