"""Admin of qualification frameworks with their questions."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin, StackedInline

from qualification.models import Framework, Question
from qualification.services.versions import next_version


class QuestionInline(StackedInline):
    """The questions, in the order in which they are asked."""

    model = Question
    extra = 0
    fields = (
        ("position", "key", "shortcut", "is_required", "valid_days", "known_from", "weight"),
        ("label_en", "label_de"),
        ("ask_en", "ask_de"),
        ("kind", "options"),
    )


@admin.register(Framework)
class FrameworkAdmin(ModelAdmin):
    """Frameworks and their versions; answers keep the version they were given under."""

    list_display = ("name", "slug", "version", "is_active", "questions_in_words")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    readonly_fields = ("version",)
    fields = (("name", "slug"), ("version", "is_active"))
    inlines = (QuestionInline,)
    actions = ("copy",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the questions of the whole page in one query."""
        return super().get_queryset(request).prefetch_related("questions")

    @admin.display(description=gettext_lazy("questions"))
    def questions_in_words(self, framework: Framework) -> str:
        """The labels in order."""
        return ", ".join(question.label for question in framework.questions.all())

    @admin.action(description=gettext_lazy("Copy into a new version, not yet in use"), permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[Framework]) -> None:
        """Begin a version from each chosen one, questions included."""
        for row in queryset:
            with transaction.atomic():
                made = Framework.objects.create(
                    slug=row.slug,
                    name=row.name,
                    version=next_version(Framework.objects.filter(slug=row.slug)),
                    is_active=False,
                )
                for question in row.questions.all():
                    question.pk, question.framework = None, made
                    question.save(force_insert=True)
            messages.success(request, _("%(framework)s is ready to be changed.") % {"framework": made})
