"""Admin of pools, reps and promises. Rules are edited on their own page, where they are checked."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from leadmgmt.core.admin import ReadOnlyAdmin
from leadmgmt.core.now import now
from routing.models import Absence, Pool, PoolMember, Rep, Rule, RuleSet, Shift, SlaPolicy
from routing.services.keep import wake_waiting


class Waking(ModelAdmin):
    """What is changed here may let somebody take what waits."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then let the waiting room look again."""
        super().save_related(request, form, formsets, change)
        wake_waiting(now())


class PoolMemberInline(TabularInline):
    """Shares; balances belong to the ledger. Who leaves is dated, not deleted: the ledger names them."""

    model = PoolMember
    extra = 0
    autocomplete_fields = ("rep",)
    readonly_fields = ("balance", "last_assigned_at")
    can_delete = False


@admin.register(Pool)
class PoolAdmin(Waking):
    """Reps that share leads."""

    list_display = ("name", "slug", "team", "is_active")
    list_select_related = ("team",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (PoolMemberInline,)


class ShiftInline(TabularInline):
    """Working hours."""

    model = Shift
    extra = 0


class AbsenceInline(TabularInline):
    """Times away."""

    model = Absence
    fk_name = "rep"
    extra = 0
    autocomplete_fields = ("cover",)


@admin.register(Rep)
class RepAdmin(Waking):
    """Anyone who receives leads."""

    list_display = ("user", "is_accepting", "max_open_leads", "max_per_day")
    list_filter = ("is_accepting",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__first_name", "user__last_name")
    autocomplete_fields = ("user",)
    inlines = (ShiftInline, AbsenceInline)


@admin.register(SlaPolicy)
class SlaPolicyAdmin(ModelAdmin):
    """Promises of a first touch."""

    list_display = (
        "name",
        "first_touch_minutes",
        "in_working_time",
        "is_default",
        "acknowledge_minutes",
        "escalate_minutes",
        "reassign_minutes",
    )
    search_fields = ("name",)


class RuleInline(TabularInline):
    """The rules of a version, to look at."""

    model = Rule
    extra = 0
    can_delete = False
    fields = ("position", "name", "destination", "pool", "rep", "reason", "sla_policy", "is_active")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rules are written on the rules page."""
        return False


@admin.register(RuleSet)
class RuleSetAdmin(ReadOnlyAdmin):
    """Versions of the rules."""

    list_display = ("version", "status", "note", "published_at", "published_by")
    list_filter = ("status",)
    list_select_related = ("published_by",)
    inlines = (RuleInline,)
