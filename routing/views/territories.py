"""Territory tables: who looks after which part of the world."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import role_required
from leads.models import TerritoryTable
from leads.services.territories import delete_table, lines_of, save_table, territory_of
from routing.access import EDITORS, may_edit_rules, person
from routing.models import Rule, RuleSet
from routing.pages.territories import shares_of

MOST_BYTES = 2_000_000


class TableForm(forms.Form):
    """A table as lines, or as a file with such lines."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    areas = forms.CharField(
        label=gettext_lazy("Territories"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "input mono", "wrap": "off"}),
        help_text=gettext_lazy("A line each: territory; country; region; postal codes. For example South; DE; ; 80-87"),
    )
    file = forms.FileField(label=gettext_lazy("or a CSV file"), required=False)

    def text(self) -> str:
        """The lines, those of the file if there is one; raises InvalidInput."""
        file = self.cleaned_data["file"]
        if file is None:
            return str(self.cleaned_data["areas"])
        if file.size > MOST_BYTES:
            raise InvalidInput(_("The file is too large."), fields={"file": _("Choose a file of at most 2 MB.")})
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            remedy = _("Save the file as CSV in UTF-8.")
            raise InvalidInput(_("The file cannot be read."), fields={"file": remedy}) from None


class NewTableForm(TableForm):
    """A new table also gets the name by which rules ask for it."""

    slug = forms.RegexField(
        r"^[a-z][a-z0-9_]{0,39}\Z",
        label=gettext_lazy("Short name"),
        help_text=gettext_lazy("By which rules ask for it; small letters, digits and _. It stays."),
    )
    field_order = ("name", "slug", "areas", "file")

    def clean_slug(self) -> str:
        """One that no table has."""
        slug = str(self.cleaned_data["slug"])
        if TerritoryTable.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("There is a table of this short name already."))
        return slug


@login_required
@require_GET
def territory_list(request: HttpRequest) -> HttpResponse:
    """All tables."""
    tables = [(table, shares_of(table, person(request), now())) for table in TerritoryTable.objects.all()]
    return render(request, "routing/territories.html", {"tables": tables, "may_edit": may_edit_rules(person(request))})


@require_http_methods(["GET", "POST"])
@role_required(*EDITORS)
def territory_new(request: HttpRequest) -> HttpResponse:
    """Begin a table."""
    first = {"areas": "territory;country;region;postal codes\n"}
    form = NewTableForm(request.POST or None, request.FILES or None, initial=first)
    return _save(request, form, None)


@require_http_methods(["GET", "POST"])
@login_required
def territory(request: HttpRequest, slug: str) -> HttpResponse:
    """One table: what it says, how many leads each territory gets, trying a place on it."""
    table = get_object_or_404(TerritoryTable, slug=slug)
    may_edit = may_edit_rules(person(request))
    if request.method == "POST" and not may_edit:
        raise Http404
    initial = {"name": table.name, "areas": lines_of(table)}
    form = TableForm(request.POST or None, request.FILES or None, initial=initial)
    return _save(request, form, table, may_edit=may_edit)


def _save(
    request: HttpRequest, form: TableForm, table: TerritoryTable | None, *, may_edit: bool = True
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            slug = table.slug if table else form.cleaned_data["slug"]
            saved = save_table(slug, form.cleaned_data["name"], form.text())
        except InvalidInput as error:
            for name, remedy in error.fields.items():
                form.add_error(name if name in form.fields else None, remedy.split("\n"))
        else:
            messages.success(request, _("The table is saved; leads lie where it says from now on."))
            return redirect("routing:territory", saved.slug)
    context: dict[str, Any] = {"form": form, "table": table, "may_edit": may_edit}
    if table is not None:
        context |= {"shares": shares_of(table, person(request), now()), **_tried(request, table)}
    return render(request, "routing/territory.html", context, status=422 if form.errors else 200)


def _tried(request: HttpRequest, table: TerritoryTable) -> dict[str, Any]:
    country, region, code = (request.GET.get(name, "").strip()[:80] for name in ("country", "region", "code"))
    tried = {"country": country, "region": region, "code": code}
    if not country:
        return {"tried": tried}
    return {"tried": tried, "is_tried": True, "found": territory_of(table.slug, country, region, code)}


@login_required
@require_GET
def territory_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The table as a file, which can be changed elsewhere and read again."""
    table = get_object_or_404(TerritoryTable, slug=slug)
    response = HttpResponse(lines_of(table).encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{table.slug}.csv"'
    return response


@require_POST
@role_required(*EDITORS)
def territory_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a table away that no rule asks for."""
    alive = Rule.objects.exclude(rule_set__status=RuleSet.Status.ARCHIVED)
    asked = [part for pair in alive.values_list("condition", "wants") for part in pair]
    delete_table(slug, asked)
    messages.success(request, _("The table is gone."))
    return redirect("routing:territory_list")
