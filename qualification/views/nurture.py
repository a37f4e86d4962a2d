"""Nurture programmes: set up by admins, with what their mails are worth."""

from typing import Any

from django import forms
from django.contrib import messages
from django.forms import BaseFormSet, formset_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.permissions import CONFIGURERS, REPORT_READERS, has_role, role_required
from leads.conditions import parse
from leads.models import Reason, User
from qualification import access
from qualification.models import MailTemplate, NurtureProgramme
from qualification.services.mail import goes_out
from qualification.services.nurture_programmes import FIELDS, StepData, save_programme, worth_of
from qualification.views.condition_page import condition_page
from routing.editor import Editor, editor_from, editor_of
from routing.words import condition_pieces

BLANK_STEPS = 2


class ReasonsField(forms.ModelMultipleChoiceField[Reason]):
    """Reasons with what they explain: some codes mean a lead put to sleep and a lost deal alike."""

    def label_from_instance(self, obj: Reason) -> str:
        """Deal lost: Price."""
        return f"{obj.get_kind_display()}: {obj.label}" if obj.kind == Reason.Kind.LOST else obj.label


class ProgrammeForm(forms.ModelForm[NurtureProgramme]):
    """A programme but for its condition, which the editor's rows hold, and its mails."""

    reasons = ReasonsField(
        Reason.objects.filter(kind__in=[Reason.Kind.RECYCLE, Reason.Kind.LOST], is_active=True),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Recycled for"),
        help_text=gettext_lazy("None chosen: for whatever reason."),
    )
    sender = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("first_name", "last_name"), label=gettext_lazy("Sender")
    )

    class Meta:
        model = NurtureProgramme
        fields = (*FIELDS, "reasons")
        widgets = {
            "window_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "window_to": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }
        labels = {
            "name": gettext_lazy("Name"),
            "position": gettext_lazy("Place in the list"),
            "is_active": gettext_lazy("In use"),
            "held_out_percent": gettext_lazy("Held out, percent"),
            "needs_consent": gettext_lazy("Only who agreed to e-mails"),
            "click_wakes": gettext_lazy("A click brings them back"),
            "company_wakes": gettext_lazy("A colleague of theirs brings them back"),
            "window_from": gettext_lazy("Not before"),
            "window_to": gettext_lazy("Not after"),
        }
        help_texts = {"held_out_percent": gettext_lazy("They get no mail, and show how many come back without.")}

    def clean(self) -> dict[str, Any]:
        """The window has a length, and somebody is left to write to; said here, in the person's words."""
        said = super().clean() or self.cleaned_data
        begin, end = said.get("window_from"), said.get("window_to")
        if begin and end and begin >= end:
            self.add_error("window_to", _("The window has to end after it begins."))
        if (said.get("held_out_percent") or 0) > 90:
            self.add_error("held_out_percent", _("At most 90, or nobody is written to."))
        return said


class StepForm(forms.Form):
    """One mail; without a text there is none."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    after_days = forms.IntegerField(
        required=False, min_value=0, max_value=730, initial=14, label=gettext_lazy("days later")
    )
    template = forms.ModelChoiceField(
        MailTemplate.objects.filter(is_active=True), required=False, label=gettext_lazy("Text"), empty_label="–"
    )


StepForms = formset_factory(StepForm, extra=0)


@role_required(*REPORT_READERS)
@require_GET
def programme_list(request: HttpRequest) -> HttpResponse:
    """All programmes with their mails, and whether those cause anybody's return."""
    rows = list(NurtureProgramme.objects.prefetch_related("steps__template", "reasons").select_related("sender"))
    worth = worth_of([row.pk for row in rows])
    shown = [(row, condition_pieces(parse(row.condition)), worth.get(row.pk)) for row in rows]
    may_edit = has_role(access.person(request), *CONFIGURERS)
    context = {"programmes": shown, "goes_out": goes_out(), "may_edit": may_edit}
    return render(request, "qualification/nurture.html", context)


@role_required(*CONFIGURERS)
@require_http_methods(["GET", "POST"])
def programme_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add a programme, or change one."""
    row = get_object_or_404(NurtureProgramme, pk=pk) if pk else None
    if request.method == "GET":
        editor = editor_of(row.condition) if row else Editor()
        return _page(request, row, ProgrammeForm(instance=row), _steps_of(row), editor)
    form, steps = ProgrammeForm(request.POST, instance=row), StepForms(request.POST, prefix="steps")
    editor = editor_from(request.POST.dict())
    if do := request.POST.get("do"):
        return _page(request, row, form, steps, editor.changed(do))
    if not form.is_valid() or not steps.is_valid():
        return _page(request, row, form, steps, editor, status=422)
    said = [one.cleaned_data for one in steps if one.cleaned_data.get("template")]
    mails = [
        StepData(14 if one["after_days"] is None else one["after_days"], one["template"], one["pk"]) for one in said
    ]
    try:
        made = save_programme(pk, form.cleaned_data, form.cleaned_data["reasons"], editor.tree(), mails)
    except InvalidInput as error:
        wrong_condition = error.fields.get("condition", "")
        for name, remedy in error.fields.items():
            if name != "condition":
                form.add_error(name if name in form.fields else None, remedy)
        return _page(request, row, form, steps, editor, status=422, wrong_condition=wrong_condition)
    messages.success(request, _("%(programme)s is saved.") % {"programme": made.name})
    return redirect("qualification:nurture_list")


def _steps_of(row: NurtureProgramme | None) -> BaseFormSet[StepForm]:
    """The mails that are there, and a few to fill in."""
    names = ("pk", "after_days", "template")
    known = [{name: getattr(step, name) for name in names} for step in row.steps.all()] if row else []
    return StepForms(prefix="steps", initial=[*known, *({"after_days": 14} for _blank in range(BLANK_STEPS))])


def _page(
    request: HttpRequest,
    row: NurtureProgramme | None,
    form: ProgrammeForm,
    steps: BaseFormSet[StepForm],
    editor: Editor,
    *,
    status: int = 200,
    wrong_condition: str = "",
) -> HttpResponse:
    url = reverse("qualification:nurture", args=[row.pk]) if row else reverse("qualification:nurture_add")
    context = {"row": row, "form": form, "steps": steps}
    page = "qualification/nurture_edit.html"
    return condition_page(request, page, editor, url, context, status=status, wrong_condition=wrong_condition)
