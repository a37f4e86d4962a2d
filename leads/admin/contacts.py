"""Admin of people and companies, to look at: what is known is changed on the lead's page, with its origin."""

from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline

from leadmgmt.core.admin import ReadOnlyAdmin
from leads.models import Company, Consent, Contact, ContactIdentity, FieldValue, Lead


class _Shown(TabularInline):
    extra = 0
    can_delete = False
    max_num = 0


class IdentityInline(_Shown):
    """Sources' own ids."""

    model = ContactIdentity
    fields = readonly_fields = ("channel", "external_id")


class ConsentInline(_Shown):
    """Statements."""

    model = Consent
    fields = readonly_fields = ("purpose", "granted", "at", "version", "text")


class ValueInline(_Shown):
    """Who says what."""

    model = FieldValue
    fields = readonly_fields = ("field", "value", "origin", "confidence", "at")


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """People."""

    list_display = ("name", "email", "phone", "company", "country", "created_at")
    list_filter = ("email_class", "seniority", "department")
    search_fields = ("first_name", "last_name", "email", "phone", "identities__external_id")
    list_select_related = ("company",)
    show_full_result_count = False
    inlines = (IdentityInline, ConsentInline, ValueInline)


@admin.register(Company)
class CompanyAdmin(ModelAdmin):
    """Companies; who owns the account and whether it is a customer is told here."""

    list_display = ("name", "domain", "country", "staff", "account_owner", "is_customer")
    list_filter = ("is_customer", "country")
    search_fields = ("name", "domain")
    list_select_related = ("account_owner",)
    autocomplete_fields = ("account_owner",)
    readonly_fields = ("name", "domain", "country", "city", "industry", "staff", "revenue", "website")
    fields = ("account_owner", "is_customer", *readonly_fields)
    show_full_result_count = False
    inlines = (ValueInline,)


@admin.register(Lead)
class LeadAdmin(ReadOnlyAdmin):
    """Leads, to be found by those who repair."""

    list_display = ("id", "contact", "stage", "owner", "source", "first_seen_at", "is_history")
    list_filter = ("stage", "is_history", "channel")
    search_fields = ("=id", "contact__email", "contact__last_name", "contact__identities__external_id")
    list_select_related = ("contact", "owner", "source")
    show_full_result_count = False
