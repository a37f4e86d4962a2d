"""Admin of our own people, their teams and the organisation."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from leads.models import Organisation, Team, User

admin.site.unregister(Group)


class NewUserForm(UserCreationForm):
    """A person is added by e-mail address."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "team")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # as the theme tells to combine them
    """People who sign in; who leaves is switched off, as their name stands in history."""

    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "first_name", "last_name", "team", "is_active", "last_login")
    list_filter = ("groups", "team", "is_active")
    search_fields = ("email", "first_name", "last_name", "external_id")
    ordering = ("email",)
    list_select_related = ("team",)
    filter_horizontal = ("groups",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "first_name", "last_name", "team", "external_id")}),
        (_("Roles"), {"fields": ("groups", "is_active", "is_staff", "is_superuser")}),
        (_("Habits"), {"fields": ("language", "time_zone", "theme", "density", "goes_on", "keys_enabled")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets: Any = ((None, {"fields": ("email", "first_name", "last_name", "team", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody is deleted here."""
        return False


@admin.register(Team)
class TeamAdmin(ModelAdmin):
    """Teams."""

    list_display = ("name", "slug", "converts_by_itself")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Organisation)
class OrganisationAdmin(ModelAdmin):
    """The one organisation."""

    list_display = ("name", "country", "time_zone", "currency")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one."""
        return not Organisation.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        """It stays."""
        return False
