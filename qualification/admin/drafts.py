"""Versions that can be changed while they are drafts, published, and copied into a new draft."""

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

DRAFT = "draft"


class DraftAdmin(ModelAdmin):
    """What is published or archived explains decisions of the past, so only drafts change."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Drafts only."""
        return super().has_change_permission(request, obj) and (obj is None or getattr(obj, "status", "") == DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Drafts only; the list offers no deletion, as it would not look at the status."""
        return obj is not None and super().has_delete_permission(request, obj) and getattr(obj, "status", "") == DRAFT
