"""Admin of scoring models and of the scores they gave."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.admin import ReadOnlyAdmin, tell
from leadmgmt.core.errors import InvalidInput
from qualification.admin.drafts import DraftAdmin
from qualification.models import Score, ScoringModel
from qualification.scoring import read_model
from qualification.services.score import publish_model
from qualification.services.versions import next_version


class ScoringModelForm(forms.ModelForm[ScoringModel]):
    """A draft; its rules are read before they are stored."""

    class Meta:
        model = ScoringModel
        fields = ("half_life_days", "groups", "rules")

    def clean(self) -> dict[str, Any]:
        """Every wrong place with its remedy."""
        cleaned = super().clean() or self.cleaned_data
        if "rules" in cleaned and cleaned.get("half_life_days") is not None:
            try:
                read_model(cleaned["rules"], cleaned["half_life_days"], cleaned.get("groups") or [])
            except InvalidInput as error:
                for place, remedy in error.fields.items():
                    self.add_error("half_life_days" if place == "half_life_days" else "rules", f"{place}: {remedy}")
        return cleaned

    def save(self, commit: bool = True) -> ScoringModel:
        """A new draft gets the next number."""
        if self.instance._state.adding:
            self.instance.version = next_version(ScoringModel.objects.all())
        return super().save(commit)


@admin.register(ScoringModel)
class ScoringModelAdmin(DraftAdmin):
    """Versions of how points are given."""

    form = ScoringModelForm
    list_display = ("version", "status", "half_life_days", "published_at")
    list_filter = ("status",)
    readonly_fields = ("version", "status", "published_at")
    fields = (("version", "status", "published_at"), "half_life_days", "groups", "rules")
    actions = ("publish", "copy")

    @admin.action(description=gettext_lazy("Publish: score with this from now on"), permissions=["add"])
    def publish(self, request: HttpRequest, queryset: QuerySet[ScoringModel]) -> None:
        """Put one version into force; an archived one is rolled back to."""
        rows = list(queryset)
        if len(rows) != 1:
            messages.error(request, _("Choose exactly one version."))
            return
        said = _("Version %(version)s scores from now on.") % {"version": rows[0].version}
        tell(request, lambda: publish_model(rows[0].pk), said)

    @admin.action(description=gettext_lazy("Copy into a new draft"), permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[ScoringModel]) -> None:
        """Begin a draft from each chosen version."""
        for row in queryset:
            version = next_version(ScoringModel.objects.all())
            ScoringModel.objects.create(
                version=version, rules=row.rules, groups=row.groups, half_life_days=row.half_life_days
            )
            messages.success(request, _("Version %(version)s is a draft.") % {"version": version})


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    """Every score with its reasons and the facts it was given for."""

    list_display = ("lead", "at", "grade", "fit", "engagement", "win_probability", "model")
    list_filter = ("grade", "model")
    list_select_related = ("lead", "model")
    search_fields = ("=lead__pk",)
    show_full_result_count = False
