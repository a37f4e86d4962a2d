"""Configuration and repair of the sync: connections with their maps, and what went through, read-only."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from crmsync.adapters.registry import adapter_names
from crmsync.models import (
    AuditRow,
    Conflict,
    Connection,
    Cursor,
    Handoff,
    InboxEvent,
    Link,
    LossReasonMap,
    Opportunity,
    OutboxEntry,
    StageMap,
)
from crmsync.services import repair
from leadmgmt.core.admin import ReadOnlyAdmin, tell
from leads.models import Reason, User

if TYPE_CHECKING:
    _ConnectionForm = forms.ModelForm[Connection]
else:
    # Generic for the type checker alone.
    _ConnectionForm = forms.ModelForm


class ConnectionForm(_ConnectionForm):
    """What is kept in the open; credentials are filled in on the connection's own page, and never come out."""

    class Meta:
        model = Connection
        fields = ("name", "slug", "adapter", "mode", "config")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(name, name) for name in adapter_names()]
        self.fields["adapter"] = forms.ChoiceField(label=_("Adapter"), choices=names, widget=UnfoldAdminSelectWidget)


class StageMapInline(TabularInline):
    """The CRM's stages and what they mean."""

    model = StageMap
    extra = 0


class LossReasonMapInline(TabularInline):
    """The CRM's loss reasons and ours."""

    model = LossReasonMap
    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only reasons for lost deals fit."""
        if db_field.name == "reason":
            kwargs["queryset"] = Reason.objects.filter(kind=Reason.Kind.LOST)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Connection)
class ConnectionAdmin(ModelAdmin):
    """A CRM account and its maps. A changed map lets go of what was held for it."""

    form = ConnectionForm
    inlines = (StageMapInline, LossReasonMapInline)
    list_display = ("name", "adapter", "mode", "parked_until", "last_push_at", "last_pull_at")
    readonly_fields = ("parked_until", "last_push_at", "last_pull_at", "last_error")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Look again at what no map fitted before."""
        super().save_related(request, form, formsets, change)
        repair.release_held(form.instance.pk)


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    """Changes on their way to a CRM."""

    list_display = (
        "id",
        "connection",
        "opportunity",
        "seq",
        "op",
        "state",
        "attempts",
        "error_class",
        "why",
        "created_at",
    )
    list_filter = ("state", "connection", "error_class", "op")
    search_fields = ("opportunity__name", "error")
    list_select_related = ("connection", "opportunity")
    actions = ("retry",)

    @admin.action(description=_("Try selected entries again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[OutboxEntry]) -> None:
        """Start dead and held ones over."""
        ids = list(queryset.values_list("pk", flat=True))
        by = request.user if isinstance(request.user, User) else None
        tell(request, lambda: repair.retry_entries(ids, by=by), str(_("Dead and held entries are tried again.")))


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnlyAdmin):
    """What was seen in a CRM."""

    list_display = ("id", "connection", "remote_id", "via", "state", "attempts", "why", "received_at")
    list_filter = ("state", "connection", "via")
    search_fields = ("remote_id",)
    list_select_related = ("connection",)
    actions = ("retry",)

    @admin.action(description=_("Try selected records again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[InboxEvent]) -> None:
        """Apply held and given-up ones again."""
        ids = list(queryset.values_list("pk", flat=True))
        tell(request, lambda: repair.retry_inbox(ids), str(_("Held and given-up records are tried again.")))


@admin.register(Conflict)
class ConflictAdmin(ReadOnlyAdmin):
    """Values that lost a merge."""

    list_display = ("id", "link", "field", "ours", "theirs", "rule", "at", "resolved_at")
    list_filter = ("rule", "field")
    list_select_related = ("link",)
    actions = ("resolve",)

    @admin.action(description=_("Put selected conflicts away"))
    def resolve(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        """A person has seen them."""
        ids = list(queryset.values_list("pk", flat=True))
        tell(request, lambda: [repair.resolve_conflict(pk) for pk in ids], str(_("Put away.")))


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    """Which opportunity is which record."""

    list_display = ("external_key", "connection", "opportunity", "remote_id", "state", "synced_at")
    list_filter = ("state", "connection")
    search_fields = ("external_key", "remote_id", "opportunity__name")
    list_select_related = ("connection", "opportunity")


@admin.register(AuditRow)
class AuditRowAdmin(ReadOnlyAdmin):
    """Every decision of the sync."""

    list_display = ("at", "connection", "direction", "verdict", "rule", "link", "actor")
    list_filter = ("direction", "verdict", "connection")
    list_select_related = ("connection", "link")


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin):
    """How far each CRM has been read."""

    list_display = ("connection", "kind", "position", "moved_at")


@admin.register(Opportunity)
class OpportunityAdmin(ReadOnlyAdmin):
    """Deals as we mirror them."""

    list_display = ("name", "stage", "remote_stage", "amount", "owner", "created_at", "closed_at", "is_history")
    list_filter = ("stage", "is_history")
    search_fields = ("name",)
    list_select_related = ("owner",)


@admin.register(Handoff)
class HandoffAdmin(ReadOnlyAdmin):
    """Offers to AEs and their decisions."""

    list_display = ("opportunity", "ae", "sdr", "status", "offered_at", "due_at", "decided_at")
    list_filter = ("status",)
    list_select_related = ("opportunity", "ae", "sdr")
