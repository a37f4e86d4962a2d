"""A framework of one's own, with its questions on one page."""

from typing import Any

from django import forms
from django.contrib import messages
from django.forms import BaseFormSet, formset_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.permissions import CONFIGURERS, role_required
from qualification.models import Framework, Question, Segment
from qualification.services.framework_editor import HEAVIEST, QuestionData, save_framework

BLANK = 2


class FrameworkForm(forms.Form):
    """What it is called."""

    name = forms.CharField(max_length=120, label=gettext_lazy("Name"), required=False)


class QuestionForm(forms.Form):
    """One question; without a label there is none."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    label_en = forms.CharField(required=False, max_length=120, label=gettext_lazy("Question, in a word or two"))
    label_de = forms.CharField(required=False, max_length=120, label=gettext_lazy("The same in German"))
    ask_en = forms.CharField(required=False, max_length=300, label=gettext_lazy("How to ask"))
    ask_de = forms.CharField(required=False, max_length=300, label=gettext_lazy("The same in German"))
    kind = forms.ChoiceField(
        choices=Question.Kind.choices, initial=Question.Kind.TEXT, required=False, label=gettext_lazy("Answer is a")
    )
    options = forms.CharField(
        required=False,
        label=gettext_lazy("Answers to choose from"),
        help_text=gettext_lazy("One per line."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    shortcut = forms.RegexField(
        r"^[a-z]$",
        required=False,
        label=gettext_lazy("Key to press"),
        error_messages={"invalid": gettext_lazy("One letter from a to z.")},
    )
    is_required = forms.BooleanField(required=False, initial=True, label=gettext_lazy("needed for SQL"))
    valid_days = forms.IntegerField(
        required=False, min_value=1, max_value=3650, label=gettext_lazy("an answer holds for days")
    )
    known_from = forms.CharField(
        required=False,
        max_length=120,
        label=gettext_lazy("Known from"),
        help_text=gettext_lazy("A fact that answers it, such as attributes.budget."),
    )
    weight = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=HEAVIEST,
        initial=1,
        label=gettext_lazy("Weight"),
    )
    segment = forms.ModelChoiceField(
        Segment.objects.all(), required=False, label=gettext_lazy("Asked of"), empty_label=gettext_lazy("everybody")
    )


QuestionForms = formset_factory(QuestionForm, extra=0)


@role_required(*CONFIGURERS)
@require_http_methods(["GET", "POST"])
def framework_edit(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Add a framework, or change one."""
    row = get_object_or_404(Framework, slug=slug, is_active=True) if slug else None
    if request.method == "GET":
        return _page(request, row, FrameworkForm(initial={"name": row.name if row else ""}), _questions_of(row))
    form, questions = FrameworkForm(request.POST), QuestionForms(request.POST, prefix="questions")
    if not form.is_valid() or not questions.is_valid():
        return _page(request, row, form, questions, status=422)
    chosen = [one for one in questions if one.cleaned_data.get("label_en", "").strip()]
    try:
        made = save_framework(slug, form.cleaned_data["name"], [_data(one.cleaned_data) for one in chosen])
    except InvalidInput as error:
        for name, remedy in error.fields.items():
            if name.startswith("questions-"):
                chosen[int(name.partition("-")[2])].add_error("label_en", remedy)
            else:
                form.add_error(name if name in form.fields else None, remedy)
        return _page(request, row, form, questions, status=422)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("qualification:framework_list")
    if row is not None and made.pk != row.pk:
        words = {"framework": made.name, "version": made.version}
        messages.success(request, _("%(framework)s is version %(version)s now; answers were carried over.") % words)
    else:
        messages.success(request, _("%(framework)s is saved.") % {"framework": made.name})
    return redirect("qualification:framework_list")


def _data(said: dict[str, Any]) -> QuestionData:
    return QuestionData(
        label_en=said["label_en"].strip(),
        label_de=said["label_de"].strip(),
        ask_en=said["ask_en"].strip(),
        ask_de=said["ask_de"].strip(),
        kind=said["kind"] or Question.Kind.TEXT,
        options=said["options"].splitlines(),
        shortcut=said["shortcut"],
        is_required=said["is_required"],
        valid_days=said["valid_days"],
        known_from=said["known_from"].strip(),
        weight=1 if said["weight"] is None else said["weight"],
        segment=said["segment"],
        pk=said["pk"],
    )


def _questions_of(row: Framework | None) -> BaseFormSet[QuestionForm]:
    """The questions that are there, and a few to fill in."""
    known = []
    for one in row.questions.all() if row else ():
        names = [name for name in QuestionForm.base_fields if name != "options"]
        options = [str(option.get("value", "")) if isinstance(option, dict) else str(option) for option in one.options]
        known.append({name: getattr(one, name) for name in names} | {"options": "\n".join(options)})
    return QuestionForms(
        prefix="questions", initial=[*known, *({"is_required": True, "weight": 1} for _blank in range(BLANK))]
    )


def _page(
    request: HttpRequest,
    row: Framework | None,
    form: FrameworkForm,
    questions: BaseFormSet[QuestionForm],
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"row": row, "form": form, "questions": questions}
    return render(request, "qualification/framework.html", context, status=status)
