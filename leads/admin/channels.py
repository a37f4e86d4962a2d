"""Admin of ways in and of the keys that open the API; a key is shown once, when it is made."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads.channels.form import read_form
from leads.models import ApiKey, Channel
from leads.services.channels import create_api_key

if TYPE_CHECKING:
    _ChannelForm = forms.ModelForm[Channel]
else:
    # Generic for the type checker alone.
    _ChannelForm = forms.ModelForm


class ChannelForm(_ChannelForm):
    """A way in; a form's configuration is read before it is stored."""

    class Meta:
        model = Channel
        fields = ("name", "slug", "kind", "source", "is_active", "config")

    def clean(self) -> dict[str, Any]:
        """Name the place that cannot be used."""
        cleaned = super().clean() or self.cleaned_data
        config = cleaned.get("config") or {}
        if not isinstance(config, dict):
            self.add_error("config", _("An object in braces is expected."))
        elif cleaned.get("kind") == Channel.Kind.FORM:
            try:
                read_form(config)
            except InvalidInput as error:
                self.add_error("config", str(error))
        cleaned["config"] = config
        return cleaned


@admin.register(Channel)
class ChannelAdmin(ModelAdmin):
    """Ways in."""

    form = ChannelForm
    list_display = ("name", "slug", "kind", "source", "is_active", "address")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "slug")
    list_select_related = ("source",)
    autocomplete_fields = ("source",)
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("created_at",)

    @admin.display(description=gettext_lazy("address"))
    def address(self, channel: Channel) -> str:
        """Where submissions go to."""
        try:
            if channel.kind == Channel.Kind.FORM:
                url = reverse("leads:hosted_form", args=[channel.slug])
                return format_html('<a href="{0}">{0}</a>', url)
            return reverse("api:capture") if channel.kind == Channel.Kind.API else "–"
        except NoReverseMatch:
            return "–"


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys; only their hash is stored, so they are revoked and made anew, never changed."""

    list_display = ("name", "prefix", "channel", "user", "last_used_at", "revoked_at")
    list_filter = ("channel",)
    search_fields = ("name", "prefix")
    list_select_related = ("channel", "user")
    fields = ("name", "channel", "user")
    autocomplete_fields = ("channel", "user")
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """What a key opens is decided when it is made."""
        return ("channel", "user", "prefix", "created_at", "last_used_at", "revoked_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """A new key needs its name and what it opens."""
        return (*self.fields, *("prefix", "created_at", "last_used_at", "revoked_at")) if obj else self.fields

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Refuse a key that opens nothing with a sentence."""
        form = super().get_form(request, obj, change, **kwargs)
        return form if change else type("ApiKeyForm", (_OpensSomething, form), {})

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A key is revoked, so that one can still see what it was."""
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Make the key and show it, this once."""
        if change or not isinstance(obj, ApiKey):
            super().save_model(request, obj, form, change)
            return
        made, token = create_api_key(obj.name, channel=obj.channel, user=obj.user)
        obj.pk = made.pk
        obj.refresh_from_db()
        told = _("Copy the key now, it is shown only this once: %(key)s") % {"key": token}
        messages.warning(request, told)

    @admin.action(description=gettext_lazy("Revoke the selected keys"))
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """They open nothing from now on."""
        count = keys.filter(revoked_at__isnull=True).update(revoked_at=now())
        told = ngettext("%(count)d key is revoked.", "%(count)d keys are revoked.", count) % {"count": count}
        messages.success(request, told)


class _OpensSomething:
    """Mixed into the form for a new key."""

    def clean(self) -> dict[str, Any]:
        """A channel, a person, or both."""
        cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]  # the form it is mixed into has it
        if not cleaned.get("channel") and not cleaned.get("user"):
            message = _("A key opens a channel, acts as a person, or both: choose one.")
            self.add_error("channel", message)  # type: ignore[attr-defined]  # the form it is mixed into has it
        return cleaned
