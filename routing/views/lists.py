"""Lists of companies that rules speak of."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.permissions import role_required
from leads.models import NamedList
from leads.services.named_lists import delete_list, save_list
from routing.access import EDITORS, may_edit_rules, person
from routing.models import Rule, RuleSet


class ListForm(forms.Form):
    """A list as lines."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    kind = forms.ChoiceField(label=gettext_lazy("Its lines are"), choices=NamedList.Kind.choices)
    entries = forms.CharField(
        label=gettext_lazy("Companies"),
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
        help_text=gettext_lazy("One a line, such as firm.example or Firm GmbH."),
    )


class NewListForm(ListForm):
    """A new list also gets the name by which rules ask for it."""

    slug = forms.RegexField(
        r"^[a-z][a-z0-9_]{0,39}\Z",
        label=gettext_lazy("Short name"),
        help_text=gettext_lazy("By which rules ask for it; small letters, digits and _. It stays."),
    )
    field_order = ("name", "slug", "kind", "entries")

    def clean_slug(self) -> str:
        """One that no list has."""
        slug = str(self.cleaned_data["slug"])
        if NamedList.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("There is a list of this short name already."))
        return slug


@login_required
@require_GET
def named_list_list(request: HttpRequest) -> HttpResponse:
    """All lists."""
    lists = NamedList.objects.annotate(count=Count("entries"))
    return render(request, "routing/lists.html", {"lists": lists, "may_edit": may_edit_rules(person(request))})


@require_http_methods(["GET", "POST"])
@role_required(*EDITORS)
def named_list_new(request: HttpRequest) -> HttpResponse:
    """Begin a list."""
    return _save(request, NewListForm(request.POST or None), None)


@require_http_methods(["GET", "POST"])
@login_required
def named_list(request: HttpRequest, slug: str) -> HttpResponse:
    """One list."""
    one = get_object_or_404(NamedList, slug=slug)
    may_edit = may_edit_rules(person(request))
    if request.method == "POST" and not may_edit:
        raise Http404
    text = "\n".join(one.entries.order_by("text").values_list("text", flat=True))
    form = ListForm(request.POST or None, initial={"name": one.name, "kind": one.kind, "entries": text})
    return _save(request, form, one, may_edit=may_edit)


def _save(request: HttpRequest, form: ListForm, one: NamedList | None, *, may_edit: bool = True) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            saved = save_list(one.slug if one else told["slug"], told["name"], told["kind"], told["entries"])
        except InvalidInput as error:
            for name, remedy in error.fields.items():
                form.add_error(name if name in form.fields else None, remedy.split("\n"))
        else:
            messages.success(request, _("The list is saved."))
            return redirect("routing:named_list", saved.slug)
    context = {"form": form, "list": one, "may_edit": may_edit}
    return render(request, "routing/list.html", context, status=422 if form.errors else 200)


@require_POST
@role_required(*EDITORS)
def named_list_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a list away that no rule asks for."""
    alive = Rule.objects.exclude(rule_set__status=RuleSet.Status.ARCHIVED)
    delete_list(slug, alive.values_list("condition", flat=True))
    messages.success(request, _("The list is gone."))
    return redirect("routing:named_list_list")
