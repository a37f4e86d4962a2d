"""Bases of the admin's pages: rows that only services write, and actions that say what they did."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from leadmgmt.core.errors import DomainError


class ReadOnlyAdmin(ModelAdmin):
    """To look at and to search, never to write: the rows belong to services."""

    @admin.display(description=_("why not"))
    def why(self, row: Any) -> str:
        """What went wrong, short enough for a list; the row itself holds all of it."""
        return Truncator(row.error).chars(160)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody removes one."""
        return False


def tell(request: HttpRequest, work: Callable[[], Any], said: str) -> None:
    """Do an action's work and say so; a refusal becomes a message with every field to mend."""
    try:
        work()
    except DomainError as error:
        remedies = [f"{field}: {remedy}" for field, remedy in error.fields.items() if remedy not in str(error)]
        messages.error(request, " ".join([str(error), *remedies]))
    else:
        messages.success(request, said)
