"""Admin of mails and cadences: what went out, what did not, who must not be written to, who is on the way."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from leadmgmt.core.admin import ReadOnlyAdmin
from leadmgmt.core.now import now
from qualification.models import CadenceEnrolment, MailStop, OutgoingMail
from qualification.services.mail import send_again


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    """Every mail with its state and reason; what failed can be sent again."""

    list_display = ("subject", "status", "by", "written_at", "sent_at", "replied_at", "bounced_at", "error")
    list_filter = ("status",)
    list_select_related = ("by",)
    search_fields = ("subject", "=lead__pk")
    date_hierarchy = "written_at"
    actions = ("send_again",)

    @admin.action(description=_("Send again"), permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        """Only what failed, or of what nobody knows whether it went out."""
        count = send_again(list(queryset.values_list("pk", flat=True)), now())
        said = ngettext("%(count)d mail is sent again.", "%(count)d mails are sent again.", count)
        messages.success(request, said % {"count": count})


@admin.register(MailStop)
class MailStopAdmin(ReadOnlyAdmin):
    """Addresses that bounced, or whose owner complained."""

    list_display = ("email_key", "reason", "at", "detail")
    list_filter = ("reason",)
    search_fields = ("email_key",)


@admin.register(CadenceEnrolment)
class CadenceEnrolmentAdmin(ReadOnlyAdmin):
    """Who is in which cadence, and how it ended."""

    list_display = ("lead", "cadence", "step", "due_at", "steps_done", "by_hand", "started_at", "end")
    list_filter = ("cadence", "end")
    list_select_related = ("lead", "cadence", "step")
    search_fields = ("=lead__pk",)
