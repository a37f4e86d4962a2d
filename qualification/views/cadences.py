"""Cadences: set up by admins, and what a rep does with the one a lead is in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import BaseFormSet, formset_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import CONFIGURERS, role_required
from leads.conditions import parse
from qualification import access
from qualification.models import Cadence, CadenceStep, MailTemplate, Segment
from qualification.services.cadence_setup import FIELDS, StepData, figures_of, save_cadence
from qualification.services.cadences import begin_cadence, step_done, stop_by_hand
from qualification.services.mail import goes_out
from qualification.views.actions import FROM_LEAD, to_lead
from qualification.views.condition_page import condition_page
from routing.editor import Editor, editor_from, editor_of
from routing.words import condition_pieces

BLANK_STEPS = 3


class CadenceForm(forms.ModelForm[Cadence]):
    """A cadence but for its condition, which the editor's rows hold, and its steps."""

    class Meta:
        model = Cadence
        fields = FIELDS
        widgets = {
            "window_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "window_to": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }
        labels = {
            "name": gettext_lazy("Name"),
            "position": gettext_lazy("Place in the list"),
            "is_active": gettext_lazy("In use"),
            "window_from": gettext_lazy("Not before"),
            "window_to": gettext_lazy("Not after"),
            "wait_days": gettext_lazy("Working days to wait after the last step"),
            "recycle_reason": gettext_lazy("Then recycled for"),
            "most_mails_a_day": gettext_lazy("Automatic e-mails per rep and day"),
        }

    def clean(self) -> dict[str, Any]:
        """The window has a length; said here, as the database says it in words of its own."""
        said = super().clean() or self.cleaned_data
        begin, end = said.get("window_from"), said.get("window_to")
        if begin and end and begin >= end:
            self.add_error("window_to", _("The window has to end after it begins."))
        return said


class StepForm(forms.Form):
    """One step; without a kind there is none."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        required=False, choices=[("", "–"), *CadenceStep.Kind.choices], label=gettext_lazy("What is done")
    )
    after_days = forms.IntegerField(
        required=False, min_value=0, max_value=90, initial=1, label=gettext_lazy("working days later")
    )
    template = forms.ModelChoiceField(
        MailTemplate.objects.filter(is_active=True), required=False, label=gettext_lazy("Text"), empty_label="–"
    )
    is_automatic = forms.BooleanField(required=False, label=gettext_lazy("goes out by itself"))
    hint = forms.CharField(required=False, max_length=200, label=gettext_lazy("What to say or do"))
    segment = forms.ModelChoiceField(
        Segment.objects.all(), required=False, label=gettext_lazy("Only for"), empty_label=gettext_lazy("everybody")
    )


StepForms = formset_factory(StepForm, extra=0)


@role_required(*CONFIGURERS)
@require_GET
def cadence_list(request: HttpRequest) -> HttpResponse:
    """All cadences with their steps and how leads fare in them."""
    rows = list(Cadence.objects.prefetch_related("steps__template", "steps__segment").select_related("recycle_reason"))
    figures = figures_of([row.pk for row in rows])
    shown = [(row, condition_pieces(parse(row.condition)), figures.get(row.pk)) for row in rows]
    return render(request, "qualification/cadences.html", {"cadences": shown, "goes_out": goes_out()})


@role_required(*CONFIGURERS)
@require_http_methods(["GET", "POST"])
def cadence_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add a cadence, or change one."""
    row = get_object_or_404(Cadence, pk=pk) if pk else None
    if request.method == "GET":
        editor = editor_of(row.condition) if row else Editor()
        return _page(request, row, CadenceForm(instance=row), _steps_of(row), editor)
    form, steps = CadenceForm(request.POST, instance=row), StepForms(request.POST, prefix="steps")
    editor = editor_from(request.POST.dict())
    if do := request.POST.get("do"):
        return _page(request, row, form, steps, editor.changed(do))
    if not form.is_valid() or not steps.is_valid():
        return _page(request, row, form, steps, editor, status=422)
    chosen = [one for one in steps if one.cleaned_data.get("kind")]
    try:
        made = save_cadence(pk, form.cleaned_data, editor.tree(), [_step(one.cleaned_data) for one in chosen])
    except InvalidInput as error:
        return _refused(request, row, form, steps, chosen, editor, error)
    messages.success(request, _("%(cadence)s is saved.") % {"cadence": made.name})
    return redirect("qualification:cadence_list")


def _refused(
    request: HttpRequest,
    row: Cadence | None,
    form: CadenceForm,
    steps: BaseFormSet[StepForm],
    chosen: list[StepForm],
    editor: Editor,
    error: InvalidInput,
) -> HttpResponse:
    wrong_condition = ""
    for name, remedy in error.fields.items():
        if name == "condition":
            wrong_condition = remedy
        elif name.startswith("steps-"):
            chosen[int(name.partition("-")[2])].add_error("kind", remedy)
        else:
            form.add_error(name if name in form.fields else None, remedy)
    return _page(request, row, form, steps, editor, status=422, wrong_condition=wrong_condition)


def _step(said: dict[str, Any]) -> StepData:
    return StepData(
        kind=said["kind"],
        after_days=said["after_days"] if said["after_days"] is not None else 1,
        pk=said["pk"],
        template=said["template"],
        is_automatic=said["is_automatic"],
        hint=said["hint"].strip(),
        segment=said["segment"],
    )


def _steps_of(row: Cadence | None) -> BaseFormSet[StepForm]:
    """The steps that are there, and a few to fill in."""
    names = ("pk", "kind", "after_days", "template", "is_automatic", "hint", "segment")
    known = [{name: getattr(step, name) for name in names} for step in row.steps.all()] if row else []
    return StepForms(prefix="steps", initial=[*known, *({"after_days": 1} for _blank in range(BLANK_STEPS))])


def _page(
    request: HttpRequest,
    row: Cadence | None,
    form: CadenceForm,
    steps: BaseFormSet[StepForm],
    editor: Editor,
    *,
    status: int = 200,
    wrong_condition: str = "",
) -> HttpResponse:
    url = reverse("qualification:cadence", args=[row.pk]) if row else reverse("qualification:cadence_add")
    context = {"row": row, "form": form, "steps": steps, "goes_out": goes_out()}
    page = "qualification/cadence.html"
    return condition_page(request, page, editor, url, context, status=status, wrong_condition=wrong_condition)


@login_required
@FROM_LEAD
def lead_cadence(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Begin a cadence, tick its step off, leave the step out, or end it."""
    user, at = access.person(request), now()
    lead = access.workable_lead(user, lead_id)
    act, chosen = request.POST.get("act", ""), request.POST.get("cadence", "")
    try:
        if act == "begin" and chosen.isdigit() and len(chosen) < 18:
            begun = begin_cadence(lead.pk, int(chosen), by=user, at=at)
            messages.success(request, _("In %(cadence)s from now on.") % {"cadence": begun.cadence.name})
        elif act in ("done", "skip"):
            step_done(lead.pk, by=user, at=at, skipped=act == "skip")
            messages.success(request, _("Step left out.") if act == "skip" else _("Step done."))
        elif act == "stop":
            stop_by_hand(lead.pk, by=user, at=at)
            messages.success(request, _("The cadence is ended."))
    except DomainError as error:
        messages.error(request, str(error))
    return to_lead(lead.pk)
