"""Admin of enrichment: who is asked, with a credential that goes in and never comes out, and what was asked."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from leadmgmt.core.admin import ReadOnlyAdmin
from leadmgmt.core.secrets import seal
from leads.enrichers import LOCAL
from leads.enrichers.http_json import check_config
from leads.models import EnrichmentRequest, Provider
from leads.services.record_answer import retry_requests

KINDS = [("http_json", _("JSON over HTTP")), *((kind, kind.replace("_", " ")) for kind in LOCAL)]


class ProviderForm(forms.ModelForm[Provider]):
    """A provider; the stored credential is never shown."""

    kind = forms.ChoiceField(label=_("kind"), choices=KINDS, widget=UnfoldAdminSelectWidget)
    new_secret = forms.CharField(
        label=_("new credential"),
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Stored encrypted and used as {secret} in headers and body. Leave empty to keep the one there is."),
    )
    forget_secret = forms.BooleanField(label=_("forget the stored credential"), required=False)

    class Meta:
        model = Provider
        fields = ("name", "slug", "kind", "position", "deadline_ms", "is_active", "config")

    def clean(self) -> dict[str, Any]:
        """Check the configuration by its kind, each complaint with its remedy."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == "http_json" and "config" in cleaned:
            for field, remedy in check_config(cleaned["config"]).items():
                self.add_error("config", f"{field}: {remedy}")
        if cleaned.get("deadline_ms") is not None and not 100 <= cleaned["deadline_ms"] <= 30_000:
            self.add_error("deadline_ms", _("Write 100 to 30000 milliseconds."))
        return cleaned

    def save(self, commit: bool = True) -> Provider:
        """Seal a new credential before it reaches the database."""
        if self.cleaned_data["new_secret"]:
            self.instance.secret = seal(self.cleaned_data["new_secret"])
        elif self.cleaned_data["forget_secret"]:
            self.instance.secret = ""
        return super().save(commit)


@admin.register(Provider)
class ProviderAdmin(ModelAdmin):
    """Who is asked, in which order, and how they are doing."""

    form = ProviderForm
    list_display = ("name", "slug", "kind", "position", "is_active", "has_credential", "failures", "paused_until")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "slug")
    readonly_fields = ("has_credential", "failures", "paused_until")
    fields: ClassVar[Any] = (
        ("name", "slug"),
        ("kind", "position"),
        ("deadline_ms", "is_active"),
        "config",
        ("has_credential", "new_secret", "forget_secret"),
        ("failures", "paused_until"),
    )
    actions = ("resume",)

    @admin.display(boolean=True, description=_("credential stored"))
    def has_credential(self, provider: Provider) -> bool:
        """Whether there is one; nothing else is shown of it."""
        return bool(provider.secret)

    @admin.action(description=_("Ask again at once, although they failed"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        """End the pause of the chosen providers."""
        queryset.update(failures=0, paused_until=None)
        messages.success(request, _("They are asked again."))


@admin.register(EnrichmentRequest)
class EnrichmentRequestAdmin(ReadOnlyAdmin):
    """Every question with its answer, or why there is none."""

    list_display = ("lead", "provider", "status", "attempts", "asked_at", "finished_at", "why")
    list_filter = ("status", "provider")
    list_select_related = ("lead", "provider")
    search_fields = ("=lead__pk", "error")
    date_hierarchy = "asked_at"
    actions = ("ask_again",)

    @admin.action(description=_("Ask again"), permissions=["view"])
    def ask_again(self, request: HttpRequest, queryset: QuerySet[EnrichmentRequest]) -> None:
        """Ask the failed ones among the chosen again, with a clean count."""
        count = retry_requests(list(queryset.values_list("pk", flat=True)))
        said = ngettext("%(count)d question is asked again.", "%(count)d questions are asked again.", count)
        messages.success(request, said % {"count": count})
