"""Admin of the learned chance: versions, trainings, and what was said of facts."""

from django.contrib import admin

from leadmgmt.core.admin import ReadOnlyAdmin
from qualification.models import IcpVersion, PredictionFact, PredictionModel, TrainingRun


@admin.register(PredictionModel)
class PredictionModelAdmin(ReadOnlyAdmin):
    """Every trained version; published on the page Win probability."""

    list_display = ("version", "status", "family", "trained_at", "examples", "wins", "horizon_days")
    list_filter = ("status", "family")


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    """Every training and how it ended."""

    list_display = ("asked_at", "kind", "state", "wins", "others", "model", "ended_at")
    list_filter = ("kind", "state")


@admin.register(PredictionFact)
class PredictionFactAdmin(ReadOnlyAdmin):
    """Facts that are left out, or used although the guard refuses them."""

    list_display = ("fact", "choice", "by", "at")
    list_filter = ("choice",)


@admin.register(IcpVersion)
class IcpVersionAdmin(ReadOnlyAdmin):
    """Every profile that was learned; adopted on the page Ideal customer profile."""

    list_display = ("version", "status", "made_at", "wins", "losses", "adopted_at", "adopted_by")
    list_filter = ("status",)
