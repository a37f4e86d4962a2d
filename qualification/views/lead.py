"""The lead's page: everything known about it, and what to do next, on one screen."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leadmgmt.core.now import now
from leadmgmt.core.web import is_partial
from leads.models import Lead, Reason, User
from qualification import access
from qualification.desk import facts, panels
from qualification.desk.ownership import takers
from qualification.desk.timeline import timeline
from qualification.desk.workspace import rights, workspace
from qualification.forms import AnswerForm, DisqualifyForm, ReassignForm, RecycleForm, correct_form
from qualification.models import Activity, Question
from qualification.services.activities import DISPOSITIONS

KINDS = (Activity.Kind.CALL, Activity.Kind.EMAIL, Activity.Kind.NOTE, Activity.Kind.MEETING)

Context = dict[str, Any]


@login_required
@require_GET
def lead_detail(request: HttpRequest, lead_id: int) -> HttpResponse:
    """The whole page, or the one part of it that htmx asks for."""
    user, at = access.person(request), now()
    lead = access.visible_lead(user, lead_id)
    target = str(request.htmx.target or "") if is_partial(request) else ""  # type: ignore[attr-defined]  # HtmxMiddleware
    part = _PARTS.get(target)
    if part is not None:
        template, build = part
        context = build(request, lead, user, at)
        return render(request, template, {"lead": lead, "at": at, "rights": rights(lead, user), **context})
    page = workspace(lead, user, at, shown=request.GET.get("show", "all"))
    context = {"page": page, "lead": lead, "at": at, "rights": page.rights, "timeline": page.timeline}
    for _template, build in (_PARTS["composer"], _PARTS["lead-do"], _PARTS["qualification"], _PARTS["facts"]):
        context |= build(request, lead, user, at)
    return render(request, "qualification/lead.html", context)


def _composer(request: HttpRequest, lead: Lead, user: User, at: datetime) -> Context:
    """Which activity is being logged: a call where one can be called."""
    kind = request.GET.get("log", "")
    if kind not in KINDS:
        kind = Activity.Kind.CALL if lead.contact.phone or not lead.contact.email else Activity.Kind.EMAIL
    labels = dict(Activity.Disposition.choices)
    choices = [(value, labels[value]) for value in DISPOSITIONS[kind] if value]
    return {"log": kind, "log_kinds": KINDS, "dispositions": choices, "tags": _tags()}


def _tags() -> str:
    """The marks that make an answer of a line."""
    keys = Question.objects.filter(framework__is_active=True, framework__criteria__status="published")
    return ", ".join(f"#{key}" for key in keys.values_list("key", flat=True).distinct()[:6])


def _do(request: HttpRequest, lead: Lead, user: User, at: datetime) -> Context:
    """The form that the menu has opened, if any."""
    what = request.GET.get("do", "")
    if what == "disqualify":
        form: Any = DisqualifyForm()
    elif what == "recycle":
        form = RecycleForm()
        return {"do": what, "do_form": form, "pauses": _pauses()}
    elif what == "reassign" and rights(lead, user).reassign:
        form = ReassignForm(takers(user))
    else:
        what, form = "", None
    return {"do": what, "do_form": form}


def _pauses() -> list[Reason]:
    return list(Reason.objects.filter(kind=Reason.Kind.RECYCLE, is_active=True, wake_after_days__isnull=False))


def _answer(request: HttpRequest, lead: Lead, user: User, at: datetime) -> Context:
    """The question that is being answered, with the answer that stands there now."""
    key = request.GET.get("answer", "")
    assessed = panels.assessment(lead)
    item = next((one for one in assessed.items if one.question.key == key), None)
    if item is None:
        return {"assessment": assessed, "answering": ""}
    stands = item.answer
    form = AnswerForm(
        item.question,
        initial={
            "value": stands.value if stands else "",
            "evidence": stands.evidence if stands else "call",
            "confidence": stands.confidence if stands else 3,
            "against": bool(stands and not stands.is_met),
            "seen": stands.pk if stands else None,
        },
    )
    return {"assessment": assessed, "answering": key, "answer_form": form}


def _facts(request: HttpRequest, lead: Lead, user: User, at: datetime) -> Context:
    """Who they are, and the fact that is being corrected (`person.phone`)."""
    subject, _dot, field = request.GET.get("edit", "").partition(".")
    form = correct_form(lead, subject, field)
    return {"known": facts.known(lead, at), "editing": f"{subject}.{field}" if form else "", "edit_form": form}


def _timeline(request: HttpRequest, lead: Lead, user: User, at: datetime) -> Context:
    """A chunk of history: the newest of a filter, or what is older than the address says."""
    before = request.GET.get("before", "")
    return {"timeline": timeline(lead, user, at, shown=request.GET.get("show", "all"), before=before)}


_PARTS: dict[str, tuple[str, Callable[[HttpRequest, Lead, User, datetime], Context]]] = {
    "composer": ("qualification/_composer.html", _composer),
    "lead-do": ("qualification/_lead_do.html", _do),
    "qualification": ("qualification/_qualification.html", _answer),
    "facts": ("qualification/_facts.html", _facts),
    "timeline": ("qualification/_timeline.html", _timeline),
    "older": ("qualification/_timeline_entries.html", _timeline),
}


def lead_url(lead_id: int) -> str:
    """The address of the lead's page."""
    return reverse("qualification:lead_detail", args=[lead_id])
