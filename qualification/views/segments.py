"""Segments: described once, for questions, steps of cadences and the list of leads."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import CONFIGURERS, REPORT_READERS, has_role, role_required
from leadmgmt.core.web import post_from
from leads.conditions import parse
from qualification import access
from qualification.models import Segment
from qualification.services.segments import delete_segment, open_leads, save_segment
from qualification.views.condition_page import condition_page
from routing.editor import Editor, editor_from, editor_of
from routing.words import condition_pieces


class SegmentForm(forms.Form):
    """What it is called; the condition is held by the editor's rows."""

    name = forms.CharField(max_length=80, required=False, label=gettext_lazy("Name"))


@role_required(*REPORT_READERS)
@require_GET
def segment_list(request: HttpRequest) -> HttpResponse:
    """All segments: who belongs to them, how many are worked just now, and what they are used for."""
    rows = list(Segment.objects.prefetch_related("questions__framework", "steps__cadence"))
    leads = open_leads(rows, now())
    shown = [(row, condition_pieces(parse(row.condition)), leads[row.pk], _used_by(row)) for row in rows]
    may_edit = has_role(access.person(request), *CONFIGURERS)
    return render(request, "qualification/segments.html", {"segments": shown, "may_edit": may_edit})


def _used_by(row: Segment) -> list[str]:
    frameworks = {one.framework.name for one in row.questions.all() if one.framework.is_active}
    return sorted(frameworks | {step.cadence.name for step in row.steps.all()})


@role_required(*CONFIGURERS)
@require_http_methods(["GET", "POST"])
def segment_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add a segment, or change one."""
    row = get_object_or_404(Segment, pk=pk) if pk else None
    if request.method == "GET":
        editor = editor_of(row.condition) if row else Editor()
        return _page(request, row, SegmentForm(initial={"name": row.name if row else ""}), editor)
    form, editor = SegmentForm(request.POST), editor_from(request.POST.dict())
    if do := request.POST.get("do"):
        return _page(request, row, form, editor.changed(do))
    if not form.is_valid():
        return _page(request, row, form, editor, status=422)
    try:
        made = save_segment(pk, form.cleaned_data["name"], editor.tree())
    except InvalidInput as error:
        for name, remedy in error.fields.items():
            if name != "condition":
                form.add_error(name if name in form.fields else None, remedy)
        return _page(request, row, form, editor, status=422, wrong_condition=error.fields.get("condition", ""))
    messages.success(request, _("%(segment)s is saved.") % {"segment": made.name})
    return redirect("qualification:segment_list")


def _page(
    request: HttpRequest,
    row: Segment | None,
    form: SegmentForm,
    editor: Editor,
    *,
    status: int = 200,
    wrong_condition: str = "",
) -> HttpResponse:
    url = reverse("qualification:segment", args=[row.pk]) if row else reverse("qualification:segment_add")
    context = {"row": row, "form": form}
    page = "qualification/segment.html"
    return condition_page(request, page, editor, url, context, status=status, wrong_condition=wrong_condition)


@role_required(*CONFIGURERS)
@post_from("qualification:segment_list")
def segment_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a segment that nothing is for."""
    get_object_or_404(Segment, pk=pk)
    try:
        messages.success(request, _("%(segment)s is deleted.") % {"segment": delete_segment(pk)})
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("qualification:segment_list")
