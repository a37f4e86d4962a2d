"""Admin of files brought in, with the rows that were refused."""

from django.contrib import admin

from leadmgmt.core.admin import ReadOnlyAdmin
from leads.models import ImportRow, ImportRun


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    """Files."""

    list_display = ("file_name", "channel", "started_at", "rows", "created", "joined", "unchanged", "refused", "by")
    list_filter = ("channel",)
    search_fields = ("file_name",)
    list_select_related = ("channel", "by")


@admin.register(ImportRow)
class ImportRowAdmin(ReadOnlyAdmin):
    """Refused rows, by file."""

    list_display = ("run", "line", "field", "reason")
    list_filter = ("run__channel",)
    search_fields = ("=run__id", "run__file_name", "reason")
    list_select_related = ("run",)
    show_full_result_count = False
