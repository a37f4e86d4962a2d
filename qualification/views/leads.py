"""The list of leads: find, narrow, sort, take out as a file, and act on several at once."""

from collections.abc import Collection
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, REPORT_READERS, SDR, TEAM_LEAD, has_role, role_required
from leadmgmt.core.web import back, post_from
from leads.models import Lead
from qualification import access
from qualification.desk.export import csv_lines
from qualification.desk.lead_list import columns, page_of
from qualification.desk.ownership import takers
from qualification.desk.saved import saved_views
from qualification.forms import BulkForm, SnoozeForm
from qualification.lead_filter import chips, choices, narrowed, sorted_by
from qualification.models import SavedView
from qualification.services.bulk import Outcome, assign_all, snooze_all, take_back

# The last thing that was done to several leads, in the session: what is needed to take it back.
UNDO = "bulk_undo"


@require_GET
@login_required
def lead_list(request: HttpRequest) -> HttpResponse:
    """A page of the leads that this person may see and the address asks for."""
    return _page(request)


def _page(request: HttpRequest, ticked: Collection[int] = (), taker: int | None = None) -> HttpResponse:
    """The list; with the ticks and the rep of a choice that was refused."""
    user, params = access.person(request), request.GET
    visible = Lead.objects.visible_to(user)
    page = page_of(sorted_by(narrowed(visible, params, request), params.get("sort", "")), params.get("page", "1"))
    offered = choices(user, visible)
    context = {
        "at": now(),
        "page": page,
        "columns": columns(params),
        "offered": offered,
        "said": {name: params.get(name, "") for name in (*offered, "q", "from", "to")},
        "kept": [(name, params[name]) for name in params if name not in (*offered, "q", "from", "to", "page")],
        "chips": chips(params, offered),
        "views": saved_views(request, SavedView.Page.LEADS),
        "may_export": has_role(user, *REPORT_READERS),
        "may_work": has_role(user, SDR, TEAM_LEAD, ADMIN),
        "takers": takers(user) if has_role(user, TEAM_LEAD, ADMIN) else None,
        "ticked": ticked,
        "taker_chosen": taker,
    }
    return render(request, "qualification/lead_list.html", context, status=422 if ticked else 200)


@require_GET
@role_required(*REPORT_READERS)
def lead_export(request: HttpRequest) -> StreamingHttpResponse:
    """All leads behind the address, as a file; for whoever reads reports."""
    user = access.person(request)
    leads = sorted_by(narrowed(Lead.objects.visible_to(user), request.GET, request), request.GET.get("sort", ""))
    response = StreamingHttpResponse(csv_lines(leads), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="leads.csv"'
    return response


@role_required(SDR, TEAM_LEAD, ADMIN)
@post_from("qualification:lead_list")
def lead_bulk(request: HttpRequest) -> HttpResponse:
    """Snooze or reassign what is ticked. Each lead is its own change: one that refuses stops no other."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(_("Tick some leads and choose what to do with them."))
    try:
        _change(request, form)
    except InvalidInput as error:
        messages.error(request, str(error))
        if request.POST.get("page") == "queue":
            return HttpResponseRedirect(reverse("qualification:queue"))
        return _page(request, form.cleaned_data["leads"], form.cleaned_data["user"])
    return HttpResponseRedirect(back(request, reverse("qualification:lead_list")))


def _change(request: HttpRequest, form: BulkForm) -> None:
    user, at = access.person(request), now()
    ids = form.cleaned_data["leads"]
    chosen = list(Lead.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    if form.cleaned_data["do"] == "assign":
        taker = takers(user).filter(pk=form.cleaned_data["user"] or 0).first()
        if taker is None or not has_role(user, TEAM_LEAD, ADMIN):
            raise InvalidInput(_("Choose who shall have them."))
        outcome = assign_all(chosen, taker, by=user, at=at)
    else:
        outcome = snooze_all(chosen, _until(request), by=user, at=at)
    if outcome.done:
        request.session[UNDO] = outcome.undo
    _report(request, outcome)


@role_required(SDR, TEAM_LEAD, ADMIN)
@post_from("qualification:lead_list")
def lead_bulk_undo(request: HttpRequest) -> HttpResponse:
    """Take back what was last done to several; what somebody has changed since stays as it is."""
    user, undo = access.person(request), request.session.pop(UNDO, None)
    if undo is None:
        raise InvalidInput(_("There is nothing to take back."))
    ids = [lead for lead, _before in undo["rows"]]
    mine = list(Lead.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    outcome = take_back(undo, mine, by=user, at=now())
    if outcome.done:
        words = ngettext("%(n)d lead is as it was before.", "%(n)d leads are as they were before.", outcome.done)
        messages.success(request, words % {"n": outcome.done})
    _say_left(request, outcome)
    return HttpResponseRedirect(back(request, reverse("qualification:lead_list")))


def _until(request: HttpRequest) -> datetime:
    form = SnoozeForm(request.POST, at=now())
    if not form.is_valid():
        raise InvalidInput(_("Say until when."))
    until: datetime = form.cleaned_data["moment"]
    return until


def _report(request: HttpRequest, outcome: Outcome) -> None:
    if outcome.done:
        words = ngettext("%(n)d lead changed.", "%(n)d leads changed.", outcome.done) % {"n": outcome.done}
        message_with_undo(request, words, reverse("qualification:lead_bulk_undo"))
    _say_left(request, outcome)


def _say_left(request: HttpRequest, outcome: Outcome) -> None:
    if outcome.left:
        words = ngettext("%(n)d lead was left alone: %(why)s", "%(n)d leads were left alone: %(why)s", outcome.left)
        messages.warning(request, words % {"n": outcome.left, "why": outcome.why})
