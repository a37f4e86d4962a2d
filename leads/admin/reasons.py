"""Admin of the governed reasons."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from leads.models import Reason


@admin.register(Reason)
class ReasonAdmin(ModelAdmin):
    """Reasons; one that was used is switched off rather than deleted."""

    list_display = ("label_en", "label_de", "kind", "code", "wake_after_days", "position", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("label_en", "label_de", "code")
    list_editable = ("position", "is_active")
