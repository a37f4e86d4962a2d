"""Admin of sources: their spellings, campaigns and what was spent."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from leads.models import Campaign, Source, SourceAlias, SourceCost


class AliasInline(TabularInline):
    """Other spellings."""

    model = SourceAlias
    extra = 1


class CampaignInline(TabularInline):
    """Campaigns."""

    model = Campaign
    extra = 0


class CostInline(TabularInline):
    """Money by period."""

    model = SourceCost
    extra = 1
    fields = ("starts_on", "ends_on", "amount", "campaign", "note")
    autocomplete_fields = ("campaign",)


@admin.register(Source)
class SourceAdmin(ModelAdmin):
    """Sources; a spelling that nobody knew has made its own and can be folded into another as an alias."""

    list_display = ("name", "slug", "kind", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "slug", "aliases__alias")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (AliasInline, CampaignInline, CostInline)


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    """Campaigns, to be found from elsewhere."""

    list_display = ("name", "key", "source")
    search_fields = ("name", "key")
    list_select_related = ("source",)
    autocomplete_fields = ("source",)


@admin.register(SourceCost)
class SourceCostAdmin(ModelAdmin):
    """All spending in one list."""

    list_display = ("source", "campaign", "starts_on", "ends_on", "amount", "note")
    list_filter = ("source",)
    list_select_related = ("source", "campaign")
    autocomplete_fields = ("source", "campaign")
    date_hierarchy = "starts_on"
    search_fields = ("note",)
    search_help_text = _("Searches the notes.")
