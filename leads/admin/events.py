"""Admin of history: read-only, with another try for steps that were given up."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from leadmgmt.core.admin import ReadOnlyAdmin, tell
from leadmgmt.core.tasks import resolve
from leads.models import LeadEvent

# The recipe lies above this app, so its function is called by name, as a job would be.
RETRY = "leadmgmt.pipeline.retry_parked"


class ProgressFilter(admin.SimpleListFilter):
    """How far the pipeline has come with an event."""

    title = _("progress")
    parameter_name = "progress"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [("parked", _("Given up")), ("pending", _("Waiting")), ("failing", _("Failing"))]

    def queryset(self, request: HttpRequest, events: QuerySet[LeadEvent]) -> QuerySet[LeadEvent]:
        """Events of the chosen progress."""
        waiting = events.filter(needs_step=True, handled_at__isnull=True)
        choices = {
            "parked": events.filter(parked_at__isnull=False),
            "pending": waiting.filter(parked_at__isnull=True),
            "failing": waiting.exclude(error=""),
        }
        return choices.get(self.value() or "", events)


@admin.register(LeadEvent)
class LeadEventAdmin(ReadOnlyAdmin):
    """All lines of all histories."""

    list_display = ("id", "lead", "kind", "at", "actor", "actor_label", "attempts", "why", "parked_at")
    list_filter = (ProgressFilter,)
    search_fields = ("=lead__id", "=kind")
    search_help_text = _("Number of a lead, or a whole kind such as lead.captured.")
    list_select_related = ("lead", "lead__contact", "actor")
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("retry",)

    @admin.action(description=_("Try the selected again"), permissions=["view"])
    def retry(self, request: HttpRequest, events: QuerySet[LeadEvent]) -> None:
        """Steps that were given up start over with a clean count."""
        numbers = list(events.filter(parked_at__isnull=False).values_list("pk", flat=True))
        count = len(numbers)
        told = ngettext("%(count)d step is tried again.", "%(count)d steps are tried again.", count) % {"count": count}
        tell(request, lambda: resolve(RETRY)(numbers), told)
