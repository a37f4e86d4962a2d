"""Admin of submissions: what came, what became of it, and another try for what failed."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.admin import ReadOnlyAdmin
from leads.models import Capture
from leads.services.capture import replay


@admin.register(Capture)
class CaptureAdmin(ReadOnlyAdmin):
    """The log of everything that came in."""

    list_display = ("id", "channel", "status", "received_at", "attempts", "why", "match_reason", "lead")
    list_filter = ("status", "channel", "match_reason")
    search_fields = ("=id", "=external_id", "=idempotency_key")
    list_select_related = ("channel", "lead")
    date_hierarchy = "received_at"
    show_full_result_count = False
    actions = ("replay_selected",)

    @admin.action(description=gettext_lazy("Try the selected again"), permissions=["view"])
    def replay_selected(self, request: HttpRequest, captures: QuerySet[Capture]) -> None:
        """Failed and refused ones start over with a clean count; accepted ones stay as they are."""
        for capture in captures.exclude(status=Capture.Status.ACCEPTED):
            after = replay(capture.pk)
            outcome = _("%(id)s: %(status)s.") % {"id": after.pk, "status": after.get_status_display()}
            level = messages.SUCCESS if after.status == Capture.Status.ACCEPTED else messages.ERROR
            messages.add_message(request, level, f"{outcome} {after.error}".strip())
