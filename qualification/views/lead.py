"""A lead's page, and its parts as htmx fetches them one by one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.decorators import login_required
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leadmgmt.core.now import now
from leadmgmt.core.web import is_partial
from leads.models import Lead, Reason, User
from qualification import access
from qualification.desk import facts, panels
from qualification.desk.asked import Asked, asked
from qualification.desk.close_up import close_up
from qualification.desk.kept_filter import kept_filter
from qualification.desk.ownership import takers
from qualification.desk.timeline import timeline
from qualification.desk.workspace import rights, workspace
from qualification.forms import (
    AnswerForm,
    CorrectForm,
    DisqualifyForm,
    LogForm,
    MailForm,
    MoveOnForm,
    ReassignForm,
    RecycleForm,
    SnoozeForm,
    correct_form,
)
from qualification.mail_text import VARIABLES
from qualification.models import Activity, MailTemplate
from qualification.services.activities import DISPOSITIONS
from qualification.services.mail import begun, goes_out
from qualification.services.mail_rules import MayNotWrite, check_may_write

KINDS = (Activity.Kind.CALL, Activity.Kind.EMAIL, Activity.Kind.NOTE, Activity.Kind.MEETING)
MOST_MARKS = 6

Context = dict[str, Any]


@dataclass
class Look:
    """One look at a lead's page. ``refused`` is a form that comes back with what has to be mended."""

    request: HttpRequest
    lead: Lead
    user: User
    at: datetime
    refused: BaseForm | None = None
    what: str = field(default="")

    @cached_property
    def asked(self) -> Asked:
        """The questions in force."""
        return asked()

    @cached_property
    def assessed(self) -> panels.Assessment:
        """What is known under them."""
        return panels.assessment(self.lead, self.asked)


@login_required
@require_GET
def lead_detail(request: HttpRequest, lead_id: int) -> HttpResponse:
    """The whole page, or the one part of it that htmx asks for."""
    return lead_page(request, lead_id)


def lead_page(request: HttpRequest, lead_id: int, refused: BaseForm | None = None, what: str = "") -> HttpResponse:
    """The page; with a form that was refused in its place, filled as it was sent. ``what`` says of what it speaks."""
    user, at, status = access.person(request), now(), 422 if refused else 200
    target = str(request.htmx.target or "") if is_partial(request) else ""  # type: ignore[attr-defined]  # HtmxMiddleware
    part = _PARTS.get(target)
    if part is not None:
        template, build = part
        look = Look(request, access.visible_lead(user, lead_id), user, at, refused, what)
        context = {"lead": look.lead, "at": at, "rights": rights(look.lead, user), **build(look)}
        return render(request, template, context, status=status)
    near = close_up(Lead.objects.visible_to(user), lead_id)
    if near is None:
        raise Http404
    look = Look(request, near.lead, user, at, refused, what)
    shown, chosen = request.GET.get("show", "all"), kept_filter(request)
    page = workspace(near, user, at, look.assessed, shown=shown, chosen=chosen)
    context = {"page": page, "lead": near.lead, "at": at, "rights": page.rights, "timeline": page.timeline}
    for _template, build in (_PARTS["composer"], _PARTS["lead-do"], _PARTS["qualification"], _PARTS["facts"]):
        context |= build(look)
    context["snooze_form"] = refused if isinstance(refused, SnoozeForm) else None
    return render(request, "qualification/lead.html", context, status=status)


def _composer(look: Look) -> Context:
    """Which activity is being logged: a call where one can be called, and may be at this hour."""
    contact = look.lead.contact
    form = look.refused if isinstance(look.refused, LogForm) else LogForm()
    kind = str(form.data.get("kind", "")) or look.request.GET.get("log", "")
    if isinstance(look.refused, MailForm):
        kind = Activity.Kind.EMAIL
    if kind not in KINDS:
        is_called = contact.phone and (not contact.email or facts.may_be_called(contact, look.at))
        kind = Activity.Kind.CALL if is_called or not contact.email else Activity.Kind.EMAIL
    labels = dict(Activity.Disposition.choices)
    choices = [(value, labels[value]) for value in DISPOSITIONS[kind] if value]
    chosen = form["disposition"].value() or DISPOSITIONS[kind][0]
    writing = _writing(look) if kind == Activity.Kind.EMAIL and contact.email else {}
    marks = ", ".join(f"#{question.key}" for question in look.asked.questions[:MOST_MARKS])
    return {
        "log": kind,
        "log_kinds": KINDS,
        "log_form": form,
        "dispositions": choices,
        "chosen": chosen,
        "tags": marks,
        "goes_on": look.user.goes_on if look.lead.owner_id == look.user.pk else None,
        **writing,
    }


def _writing(look: Look) -> Context:
    """A mail to begin from: as it was sent and refused, or by the text that was chosen."""
    sent = look.refused if isinstance(look.refused, MailForm) else None
    language = "de" if look.lead.contact.language.startswith("de") else "en"
    offered = list(MailTemplate.objects.filter(is_active=True))
    # Theirs first; another language may be wanted all the same.
    offered.sort(key=lambda row: row.language != language)
    asked = str(sent.data.get("template", "")) if sent else look.request.GET.get("text", "")
    chosen = next((row for row in offered if str(row.pk) == asked), None)
    made = begun(look.lead, look.user, chosen)
    form = sent or MailForm(initial={"subject": made.subject, "body": made.body, "template": chosen})
    try:
        check_may_write(look.lead.contact)
        why_not = ""
    except MayNotWrite as error:
        why_not = str(error)
    query = urlencode({"subject": made.subject, "body": made.body}, quote_via=quote)
    return {
        "mail_form": form,
        "mail_texts": offered,
        "mail_chosen": chosen,
        "mail_missing": [VARIABLES[name] for name in made.missing],
        "mail_goes_out": goes_out(),
        "mail_why_not": why_not,
        "mail_link": f"mailto:{quote(look.lead.contact.email, safe='@+')}?{query}",
    }


def _do(look: Look) -> Context:
    """The form that the menu has opened, if any."""
    what = look.what or look.request.GET.get("do", "")
    sent = look.refused if isinstance(look.refused, DisqualifyForm | ReassignForm | MoveOnForm) else None
    form: BaseForm | None = None
    if what == "disqualify":
        form = sent or DisqualifyForm()
    elif what == "recycle":
        return {"do": what, "do_form": sent or RecycleForm(), "pauses": _pauses()}
    elif what == "move-on" and (sent or rights(look.lead, look.user).override):
        form = sent or MoveOnForm(look.lead)
    elif what == "reassign" and (sent or rights(look.lead, look.user).reassign):
        form = sent or ReassignForm(takers(look.user))
    return {"do": what if form else "", "do_form": form}


def _pauses() -> list[Reason]:
    return list(Reason.objects.filter(kind=Reason.Kind.RECYCLE, is_active=True, wake_after_days__isnull=False))


def _answer(look: Look) -> Context:
    """The question that is being answered, with the answer that stands there now."""
    sent = look.refused if isinstance(look.refused, AnswerForm) else None
    key = sent.question.key if sent else look.request.GET.get("answer", "")
    item = next((one for one in look.assessed.items if one.question.key == key), None)
    if item is None:
        return {"assessment": look.assessed, "answering": ""}
    stands = item.answer
    form = sent or AnswerForm(
        item.question,
        initial={
            "value": stands.value if stands else item.known,
            "evidence": stands.evidence if stands else "form" if item.known else "call",
            "confidence": stands.confidence if stands else 3,
            "against": bool(stands and not stands.is_met),
            "seen": stands.pk if stands else None,
        },
    )
    return {"assessment": look.assessed, "answering": key, "answer_form": form}


def _facts(look: Look) -> Context:
    """Who they are, and the fact that is being corrected (`person.phone`)."""
    sent = look.refused if isinstance(look.refused, CorrectForm) else None
    subject, _dot, name = (look.what if sent else look.request.GET.get("edit", "")).partition(".")
    form = sent or correct_form(look.lead, subject, name)
    return {"known": facts.known(look.lead, look.at), "editing": f"{subject}.{name}" if form else "", "edit_form": form}


def _timeline(look: Look) -> Context:
    """A chunk of history: the newest of a filter, or what is older than the address says."""
    said = look.request.GET
    shown, before = said.get("show", "all"), said.get("before", "")
    return {"timeline": timeline(look.lead, look.user, look.at, shown=shown, before=before)}


_PARTS: dict[str, tuple[str, Callable[[Look], Context]]] = {
    "composer": ("qualification/_composer.html", _composer),
    "lead-do": ("qualification/_lead_do.html", _do),
    "qualification": ("qualification/_qualification.html", _answer),
    "facts": ("qualification/_facts.html", _facts),
    "timeline": ("qualification/_timeline.html", _timeline),
    "older": ("qualification/_timeline_entries.html", _timeline),
}
