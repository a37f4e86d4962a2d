"""Admin of what became of leads: to look at, as services write it."""

from django.contrib import admin

from leadmgmt.core.admin import ReadOnlyAdmin
from qualification.models import Answer, NurtureEnrolment, Outcome


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    """Outcomes with the facts as they were: what the chance to win is counted from."""

    list_display = ("lead", "kind", "reason", "at", "amount", "facts_at")
    list_filter = ("kind", "reason")
    list_select_related = ("lead",)
    search_fields = ("=lead__pk",)
    date_hierarchy = "at"


@admin.register(NurtureEnrolment)
class NurtureEnrolmentAdmin(ReadOnlyAdmin):
    """Who sleeps until when, and who woke up how."""

    list_display = ("lead", "reason", "starts_at", "wake_at", "ended_at", "end")
    list_filter = ("end", "reason")
    list_select_related = ("lead", "reason")
    search_fields = ("=lead__pk",)


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """All answers, the superseded ones too."""

    list_display = ("lead", "question", "is_met", "evidence", "confidence", "at", "by", "superseded_at")
    list_filter = ("question", "is_met", "evidence")
    list_select_related = ("lead", "question", "by")
    search_fields = ("=lead__pk",)
