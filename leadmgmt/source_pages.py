"""Sources: which there are, what arrived under a new name, and what was spent."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MANAGER, MARKETING, role_required
from leadmgmt.core.web import complain, post_from
from leads.models import Source, SourceCost, SourceFold
from leads.services.source_costs import put_costs
from leads.services.source_governance import (
    add_source,
    confirm_source,
    fold_source,
    governed_sources,
    save_spellings,
    unfold_source,
)
from qualification.models import Cadence, Criteria, NurtureProgramme, ScoringModel, Segment
from routing.access import person
from routing.models import Rule, RuleSet

ROLES = (ADMIN, MARKETING, MANAGER)
MOST_FOLDS, MOST_COSTS = 10, 60


class SourceForm(forms.Form):
    """What a source is called, and its other spellings."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    kind = forms.ChoiceField(label=gettext_lazy("Family"), choices=Source.Kind.choices)
    spellings = forms.CharField(
        label=gettext_lazy("Other spellings, one a line"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )


class CostsForm(forms.Form):
    """Lines of costs, pasted or as a file."""

    file = forms.FileField(label=gettext_lazy("File (CSV)"), required=False)
    text = forms.CharField(
        label=gettext_lazy("Or the lines themselves"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 7, "spellcheck": "false"}),
        help_text=gettext_lazy("The first line names the columns: source; campaign; from; to; amount; note"),
    )

    def clean(self) -> dict[str, Any]:
        """One of both."""
        said: dict[str, Any] = super().clean() or {}
        if said.get("file") is not None:
            try:
                said["text"] = said["file"].read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", _("This is no text in UTF-8."))
        if not said.get("text") and not self.errors:
            self.add_error("text", _("Choose a file, or paste the lines."))
        return said


@require_http_methods(["GET", "POST"])
@role_required(*ROLES)
def source_list(request: HttpRequest) -> HttpResponse:
    """Every source that counts, new spellings first, and what was folded lately. A new one is added here."""
    form = SourceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_source(form.cleaned_data["name"], form.cleaned_data["kind"])
            save_spellings(made.pk, form.cleaned_data["spellings"].splitlines())
        except InvalidInput as error:
            complain(form, error)
        else:
            messages.success(request, _("%(source)s is a source now.") % {"source": made})
            return redirect("source_list")
    rows = list(governed_sources().order_by("is_confirmed", "name"))
    folds = SourceFold.objects.filter(undone_at=None).select_related("kept", "gone", "by")[:MOST_FOLDS]
    context = {
        "new": [row for row in rows if not row.is_confirmed],
        "rows": [row for row in rows if row.is_confirmed],
        "kinds": Source.Kind.choices,
        "folds": folds,
        "form": form,
        "at": now(),
    }
    return render(request, "leadmgmt/sources.html", context, status=422 if form.errors else 200)


@role_required(*ROLES)
@post_from("source_list")
def source_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """A new spelling is a source of its own."""
    source = get_object_or_404(Source, pk=pk)
    try:
        confirm_source(pk, name=request.POST.get("name") or source.name, kind=request.POST.get("kind") or source.kind)
        messages.success(request, _("%(source)s is a source of its own.") % {"source": source})
    except InvalidInput as error:
        messages.error(request, next(iter(error.fields.values()), str(error)))
    return redirect("source_list")


@role_required(*ROLES)
@post_from("source_list")
def source_fold(request: HttpRequest, pk: int) -> HttpResponse:
    """It is another one: everything that came by it counts there."""
    kept = request.POST.get("kept", "")
    try:
        fold = fold_source(
            pk, int(kept) if kept.isdecimal() else 0, by=person(request), at=now(), conditions=_conditions()
        )
    except DomainError as error:
        messages.error(request, next(iter(error.fields.values()), str(error)))
        return redirect("source_list")
    told = _("%(gone)s counts for %(kept)s, with everything that came by it.") % {"gone": fold.gone, "kept": fold.kept}
    message_with_undo(request, told, reverse("source_unfold", args=[fold.pk]))
    return redirect("source_list")


@role_required(*ROLES)
@post_from("source_list")
def source_unfold(request: HttpRequest, pk: int) -> HttpResponse:
    """Take two apart again."""
    get_object_or_404(SourceFold, pk=pk)
    try:
        fold = unfold_source(pk, by=person(request), at=now())
        messages.success(request, _("%(gone)s and %(kept)s are two again.") % {"gone": fold.gone, "kept": fold.kept})
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("source_list")


@require_http_methods(["GET", "POST"])
@role_required(*ROLES)
def source_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """What a source is called, its spellings, and what was spent on it."""
    source = get_object_or_404(Source, slug=slug, folded_into=None)
    known = "\n".join(source.aliases.order_by("alias").values_list("alias", flat=True))
    initial = {"name": source.name, "kind": source.kind, "spellings": known}
    form = SourceForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            save_spellings(source.pk, form.cleaned_data["spellings"].splitlines())
            confirm_source(source.pk, name=form.cleaned_data["name"], kind=form.cleaned_data["kind"])
        except InvalidInput as error:
            complain(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("source_edit", source.slug)
    costs = source.costs.select_related("campaign").order_by("-starts_on", "-pk")
    context = {
        "source": source,
        "form": form,
        "costs": costs[:MOST_COSTS],
        "spent": costs.aggregate(all=Sum("amount"))["all"],
        "folded": source.folded.all(),
        "at": now(),
    }
    return render(request, "leadmgmt/source.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@role_required(*ROLES)
def source_costs(request: HttpRequest) -> HttpResponse:
    """Costs from a file or a few lines; the same source, campaign and days again take the place of what was said."""
    form = CostsForm(request.POST, request.FILES) if request.method == "POST" else CostsForm()
    if request.method == "POST" and form.is_valid():
        try:
            made, changed = put_costs(form.cleaned_data["text"])
        except InvalidInput as error:
            for name, remedy in error.fields.items():
                form.add_error(name, remedy.split("\n"))
        else:
            words = {"made": made, "changed": changed}
            messages.success(request, _("Costs kept: %(made)s new, %(changed)s in place of older ones.") % words)
            return redirect("source_costs")
    newest = SourceCost.objects.select_related("source", "campaign").order_by("-pk")[:MOST_COSTS]
    context = {"form": form, "costs": newest}
    return render(request, "leadmgmt/source_costs.html", context, status=422 if form.errors else 200)


@role_required(*ROLES)
@post_from("source_costs")
def source_cost_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """It was not spent."""
    get_object_or_404(SourceCost, pk=pk).delete()
    messages.success(request, _("The cost is gone."))
    return redirect((request.POST.get("back") == "source" and "source_list") or "source_costs")


@require_GET
@role_required(*ROLES)
def source_costs_example(request: HttpRequest) -> HttpResponse:
    """A file to begin from: every source, with this month's days and no amount."""
    day = now().date().replace(day=1).isoformat()
    lines = ["source;campaign;from;to;amount;note"]
    lines += [f"{row.slug};;{day};{day};0.00;" for row in governed_sources().filter(is_active=True).order_by("slug")]
    response = HttpResponse("\ufeff" + "\r\n".join(lines) + "\r\n", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="costs.csv"'
    return response


def _conditions() -> list[Any]:
    """Everything that may ask for a source by its short name."""
    rules = Rule.objects.exclude(rule_set__status=RuleSet.Status.ARCHIVED).values_list("condition", flat=True)
    scoring = ScoringModel.objects.exclude(status=ScoringModel.Status.ARCHIVED).values_list("rules", flat=True)
    criteria = Criteria.objects.exclude(status=Criteria.Status.ARCHIVED).values_list("condition", flat=True)
    others = [model.objects.values_list("condition", flat=True) for model in (Segment, Cadence, NurtureProgramme)]
    return [*rules, *scoring, *criteria, *(one for rows in others for one in rows)]
