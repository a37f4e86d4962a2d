"""Admin of what routing did: read-only, with another try for e-mails that were given up."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from leadmgmt.core.admin import ReadOnlyAdmin, tell
from routing.models import Assignment, Certificate, LedgerEntry, Notification, SlaClock, WaitingLead
from routing.services.deliver import retry_failed


class Records(ReadOnlyAdmin):
    """Rows by the thousand: found by the number of their lead, newest first."""

    search_fields = ("=lead__id",)
    search_help_text = _("Number of a lead.")
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(Certificate)
class CertificateAdmin(Records):
    """Decisions."""

    list_display = ("id", "lead", "outcome", "rule", "pool", "rep", "decided_at")
    list_filter = ("outcome", "pool")
    list_select_related = ("lead", "rule", "pool", "rep__user")


@admin.register(Assignment)
class AssignmentAdmin(Records):
    """Who had which lead from when to when."""

    list_display = ("id", "lead", "user", "reason", "starts_at", "accepted_at", "ends_at", "end_reason")
    list_filter = ("reason",)
    list_select_related = ("lead", "user")


@admin.register(WaitingLead)
class WaitingLeadAdmin(Records):
    """What waits and has waited."""

    list_display = ("id", "lead", "pool", "keeper", "reason", "since", "wake_at", "left_at")
    list_filter = ("pool",)
    list_select_related = ("lead", "pool", "keeper")


@admin.register(SlaClock)
class SlaClockAdmin(Records):
    """Promises."""

    list_display = ("id", "lead", "policy", "started_at", "due_at", "touched_at", "breached_at", "stop_reason")
    list_filter = ("policy",)
    list_select_related = ("lead", "policy")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(Records):
    """Movements of balances."""

    list_display = ("id", "pool", "rep", "lead", "kind", "amount", "at", "note")
    list_filter = ("pool", "kind")
    list_select_related = ("pool", "rep__user", "lead")


@admin.register(Notification)
class NotificationAdmin(Records):
    """What people were told, and what could not be delivered."""

    list_display = ("id", "user", "kind", "way", "status", "attempts", "created_at", "sent_at", "why")
    list_filter = ("status", "way", "kind")
    list_select_related = ("user",)
    actions = ("retry",)

    @admin.action(description=_("Send the selected again"), permissions=["view"])
    def retry(self, request: HttpRequest, notifications: QuerySet[Notification]) -> None:
        """E-mails that were given up start over with a clean count."""
        failed = notifications.filter(status=Notification.Status.FAILED)
        numbers = list(failed.values_list("pk", flat=True))
        count = len(numbers)
        told = ngettext("%(count)d e-mail is sent again.", "%(count)d e-mails are sent again.", count)
        tell(request, lambda: retry_failed(numbers), told % {"count": count})
