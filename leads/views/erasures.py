"""Erasing a person on request: who it is, what becomes of it, and what others still have to do."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, role_required
from leadmgmt.core.web import post_from
from leads.access import person
from leads.models import Capture, Contact, Erasure, ErasureTask, Lead
from leads.services.erase import areas, erase, find_subject, finish_task, subject_of

PAGE = 20


@require_http_methods(["GET", "POST"])
@role_required(ADMIN)
def erasures(request: HttpRequest) -> HttpResponse:
    """Those that were erased, without who they were. A POST looks for somebody; nothing is erased by it."""
    found: dict[str, Any] = {}
    if request.method == "POST":
        email = request.POST.get("email", "").strip()[:254]
        try:
            found = _found(email, request.POST.get("contact", ""))
        except InvalidInput as error:
            found = {"complaint": str(error)}
        found["email"] = email
    waiting = Count("tasks", filter=~Q(tasks__state=ErasureTask.State.DONE))
    rows = Erasure.objects.select_related("by").prefetch_related("tasks").annotate(waiting=waiting)
    page = Paginator(rows.order_by("-at", "-pk"), PAGE).get_page(request.GET.get("page"))
    words = areas()
    told = [(one, [(words.get(area, area), count) for area, count in one.told.items()]) for one in page.object_list]
    context = {"rows": told, "page": page, "at": now(), **found}
    return render(request, "leads/erasures.html", context, status=422 if found.get("complaint") else 200)


def _number(text: str) -> int:
    """A contact's number, 0 for what is none."""
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _found(email: str, contact: str) -> dict[str, Any]:
    """Whom it would be; a person without an address is named by the number of their contact."""
    number = _number(contact)
    subject = subject_of(number) if number else find_subject(email)
    people = Contact.objects.filter(pk__in=subject.contacts, merged_into=None, erased_at=None)
    chosen = people.select_related("company").first()
    if chosen is None:
        return {"complaint": _("Nobody with this address is known.")}
    captures = Capture.objects.filter(Q(contact__in=subject.contacts) | Q(lead__in=subject.leads))
    return {
        "who": chosen,
        "leads": Lead.objects.filter(pk__in=subject.leads).select_related("owner", "source").order_by("-captured_at"),
        "submissions": captures.count(),
        "addresses": subject.emails,
    }


@role_required(ADMIN)
@post_from("leads:erasures")
def erasure_begin(request: HttpRequest) -> HttpResponse:
    """Erase the person who was looked at, once somebody has said that it cannot be taken back."""
    contact = get_object_or_404(Contact, pk=_number(request.POST.get("contact", "")))
    if request.POST.get("sure") != "yes":
        messages.warning(request, _("Say that you know it cannot be taken back. Nothing was erased."))
        return redirect("leads:erasures")
    erasure = None if contact.erased_at is not None else erase(contact.pk, by=person(request))
    if erasure is None:
        messages.warning(request, _("This person was erased already."))
    elif erasure.tasks.exists():
        messages.success(request, _("Erased. What others still keep is listed below."))
    else:
        messages.success(request, _("Erased. No other system that we know of keeps anything."))
    return redirect("leads:erasures")


@role_required(ADMIN)
@post_from("leads:erasures")
def erasure_task(request: HttpRequest, task_id: int) -> HttpResponse:
    """Somebody has deleted a record elsewhere."""
    get_object_or_404(ErasureTask, pk=task_id)
    finish_task(task_id, by=person(request))
    messages.success(request, _("Noted."))
    return redirect("leads:erasures")
