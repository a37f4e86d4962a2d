"""Files brought in: upload, what is which column, a trial, the run with its progress, undo, and the refused rows."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, TEAM_LEAD, has_role, role_required
from leadmgmt.core.web import is_partial, post_from
from leads.access import person
from leads.imports.mapping import CONSENTS, FIELDS, Mapper
from leads.imports.refused import refused_lines
from leads.models import Channel, ImportRow, ImportRun, User
from leads.services.imports import (
    begin_run,
    begin_trial,
    look_at,
    path_of,
    preview,
    set_mapping,
    sheets_of,
    stop,
    upload,
)
from leads.services.undo_import import UNDOABLE, begin_undo

ROLES = (ADMIN, MARKETING, TEAM_LEAD)
PAGE = 30
State = ImportRun.State
BUSY = (State.CHECKING, State.RUNNING, State.UNDOING)
OPEN = (State.UPLOADED, State.CHECKED, State.CANCELED)
SEPARATORS = ((",", ","), (";", ";"), ("\t", gettext_lazy("Tab")), ("|", "|"))
FIRST = ("email", "first_name", "last_name", "name", "phone", "company", "job_title", "country", "city", "message")


class UploadForm(forms.Form):
    """A file and the channel it comes through."""

    file = forms.FileField(label=gettext_lazy("File"), help_text=gettext_lazy("CSV, TSV, Excel or OpenDocument."))
    channel: forms.ModelChoiceField[Channel] = forms.ModelChoiceField(
        label=gettext_lazy("Channel"), queryset=Channel.objects.none(), empty_label=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channels: Any = self.fields["channel"]
        channels.queryset = Channel.objects.filter(kind=Channel.Kind.IMPORT, is_active=True)


def _runs(user: User) -> QuerySet[ImportRun]:
    """Admins and marketing see all imports, others their own."""
    runs = ImportRun.objects.select_related("channel", "by")
    return runs if has_role(user, ADMIN, MARKETING) else runs.filter(by=user)


@require_http_methods(["GET", "POST"])
@role_required(*ROLES)
def import_list(request: HttpRequest) -> HttpResponse:
    """What was brought in, and a place to bring in more."""
    user = person(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            run = upload(form.cleaned_data["channel"], form.cleaned_data["file"], by=user)
        except DomainError as error:
            form.add_error("file", str(error))
        else:
            return redirect("leads:import", run.pk)
    page = Paginator(_runs(user), PAGE).get_page(request.GET.get("page"))
    has_channel = form.fields["channel"].queryset.exists()  # type: ignore[attr-defined]  # a ModelChoiceField
    context = {"form": form, "page": page, "has_channel": has_channel, "at": now()}
    return render(request, "leads/import_list.html", context, status=422 if form.errors else 200)


@require_GET
@role_required(*ROLES)
def import_run(request: HttpRequest, pk: int) -> HttpResponse:
    """One import, wherever it stands; the part that moves is fetched again while it works."""
    run = get_object_or_404(_runs(person(request)), pk=pk)
    context: dict[str, Any] = {
        "run": run,
        "is_busy": run.state in BUSY,
        "is_open": run.state in OPEN and path_of(run).exists(),
        "may_undo": run.state in UNDOABLE and run.created + run.joined > 0,
        "share": min(100, 100 * run.rows // run.total) if run.total else 0,
        "refused": ImportRow.objects.filter(run=run)[:20],
        "at": now(),
    }
    if is_partial(request) and context["is_busy"]:
        return render(request, "leads/_import_state.html", context)
    if is_partial(request):
        # It has ended: the page shows what can be done next.
        return HttpResponse(headers={"HX-Refresh": "true"})
    if context["is_open"]:
        context |= _mapping_context(run)
    return render(request, "leads/import.html", context)


def _mapping_context(run: ImportRun) -> dict[str, Any]:
    mapper = Mapper.from_json(run.mapping)
    by_column = {column: name for name, column in mapper.fields.items()}
    ordered = [*FIRST, *sorted(FIELDS - {*FIRST, *CONSENTS}), *CONSENTS]
    try:
        rows, error = preview(run), ""
        names = sheets_of(run)
    except DomainError as refusal:
        rows, error, names = [], str(refusal), []
    columns = []
    for number, header in enumerate(run.headers):
        samples = [row.cells[number] for row in rows if number < len(row.cells) and row.cells[number]][:3]
        chosen = "-" if header in mapper.dropped else by_column.get(header, "")
        columns.append((header, chosen, " · ".join(samples)))
    return {
        "columns": columns,
        "fields": ordered,
        "rows": rows,
        "preview_error": error,
        "sheets": names,
        "separators": SEPARATORS,
    }


@role_required(*ROLES)
@post_from("leads:import", "pk")
def import_options(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the file another way: another sheet, another separator."""
    run = get_object_or_404(_runs(person(request)), pk=pk, state__in=OPEN)
    told = {"sheet": request.POST.get("sheet", ""), "delimiter": request.POST.get("delimiter", "")[:1]}
    try:
        look_at(run, {name: value for name, value in told.items() if value})
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("leads:import", pk)


@role_required(*ROLES)
@post_from("leads:import", "pk")
def import_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """Take over which column is which; then try the file, or bring it in."""
    run = get_object_or_404(_runs(person(request)), pk=pk, state__in=OPEN)
    pairs = list(zip(request.POST.getlist("column"), request.POST.getlist("field"), strict=False))
    fields = {name: column for column, name in pairs if name in FIELDS}
    try:
        set_mapping(run, fields, [column for column, name in pairs if name == "-"])
        if request.POST.get("act") == "run":
            begin_run(pk)
        elif request.POST.get("act") == "try":
            begin_trial(pk)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("leads:import", pk)


@role_required(*ROLES)
@post_from("leads:import", "pk")
def import_go(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring it in, go on with it, stop it, or take it back."""
    get_object_or_404(_runs(person(request)), pk=pk)
    act = request.POST.get("act")
    try:
        if act == "run":
            begin_run(pk)
        elif act == "stop":
            stop(pk)
        elif act == "undo":
            begin_undo(pk, by=person(request))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("leads:import", pk)


@require_GET
@role_required(*ROLES)
def import_refused(request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """The refused rows as a file to be mended and brought in again."""
    run = get_object_or_404(_runs(person(request)), pk=pk)
    headers = run.headers or sorted({name for row in ImportRow.objects.filter(run=run)[:200] for name in row.cells})
    rows = ImportRow.objects.filter(run=run).order_by("line").iterator(1000)
    response = StreamingHttpResponse(refused_lines(headers, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_("refused")}-{run.pk}.csv"'
    return response
