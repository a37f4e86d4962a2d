"""Admin of what makes a lead an MQL or an SQL."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from leadmgmt.core.admin import tell
from leadmgmt.core.errors import InvalidInput
from leads.conditions import parse
from qualification.admin.drafts import DraftAdmin
from qualification.models import Criteria
from qualification.services.criteria import publish_criteria
from qualification.services.versions import next_version


class CriteriaForm(forms.ModelForm[Criteria]):
    """A draft; its condition is read before it is stored."""

    class Meta:
        model = Criteria
        fields = ("kind", "name", "framework", "condition")

    def clean(self) -> dict[str, Any]:
        """Every wrong place with its remedy."""
        cleaned = super().clean() or self.cleaned_data
        if "condition" in cleaned:
            try:
                parse(cleaned["condition"])
            except InvalidInput as error:
                for place, remedy in error.fields.items():
                    self.add_error("condition", f"{place}: {remedy}")
        if cleaned.get("kind") == Criteria.Kind.SQL and not cleaned.get("framework"):
            self.add_error("framework", _("Choose a framework."))
        return cleaned

    def save(self, commit: bool = True) -> Criteria:
        """A new draft gets the next number of its kind, also one that changes its kind."""
        if self.instance._state.adding or "kind" in self.changed_data:
            self.instance.version = next_version(Criteria.objects.filter(kind=self.instance.kind))
        return super().save(commit)


@admin.register(Criteria)
class CriteriaAdmin(DraftAdmin):
    """Versions of the criteria, with the condition in words."""

    form = CriteriaForm
    list_display = ("kind", "version", "status", "name", "framework", "in_words", "published_at")
    list_filter = ("kind", "status")
    list_select_related = ("framework",)
    readonly_fields = ("version", "status", "published_at", "in_words")
    fields = (("kind", "version", "status", "published_at"), "name", "framework", "condition", "in_words")
    actions = ("publish", "copy")

    @admin.display(description=gettext_lazy("in words"))
    def in_words(self, criteria: Criteria) -> str:
        """The stored condition as a sentence."""
        try:
            return parse(criteria.condition).sentence(get_language() or "en")
        except InvalidInput as error:
            return str(error)

    @admin.action(description=gettext_lazy("Publish: apply this from now on"), permissions=["add"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Criteria]) -> None:
        """Put one version into force; an archived one is rolled back to."""
        rows = list(queryset)
        if len(rows) != 1:
            messages.error(request, _("Choose exactly one version."))
            return
        said = _("%(criteria)s applies from now on.") % {"criteria": rows[0]}
        tell(request, lambda: publish_criteria(rows[0].pk), said)

    @admin.action(description=gettext_lazy("Copy into a new draft"), permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[Criteria]) -> None:
        """Begin a draft from each chosen version."""
        for row in queryset:
            version = next_version(Criteria.objects.filter(kind=row.kind))
            made = Criteria.objects.create(
                kind=row.kind, version=version, name=row.name, condition=row.condition, framework=row.framework
            )
            messages.success(request, _("%(criteria)s is a draft.") % {"criteria": made})
