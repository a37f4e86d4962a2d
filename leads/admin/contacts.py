"""Admin of people and companies, to look at: what is known is changed on the lead's page, with its origin."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline

from leadmgmt.core.admin import ReadOnlyAdmin
from leads.models import Company, CompanyAlias, Consent, ConsentRequest, Contact, ContactIdentity, FieldValue, Lead
from leads.normalise.company import name_key, registered_domain
from leads.services.companies import rematch
from leads.services.confirmation import retry_failed

if TYPE_CHECKING:
    _AliasForm = forms.ModelForm[CompanyAlias]
else:
    # Generic for the type checker alone.
    _AliasForm = forms.ModelForm


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


@admin.register(ConsentRequest)
class ConsentRequestAdmin(ReadOnlyAdmin):
    """Consents that wait for the link in an e-mail, and e-mails that could not be sent."""

    list_display = ("email", "status", "asked_at", "sent_at", "confirmed_at", "attempts", "error")
    list_filter = ("status",)
    search_fields = ("email",)
    actions = ("retry",)

    @admin.action(description=_lazy("Send the selected again"), permissions=["view"])
    def retry(self, request: HttpRequest, requests: QuerySet[ConsentRequest]) -> None:
        """What was given up starts over with a clean count."""
        count = retry_failed(list(requests.values_list("pk", flat=True)))
        told = ngettext("%(count)d e-mail is sent again.", "%(count)d e-mails are sent again.", count)
        messages.success(request, told % {"count": count})


class AliasForm(_AliasForm):
    """One further domain or name; it is read before it is kept."""

    class Meta:
        model = CompanyAlias
        fields = ("kind", "text")

    def clean(self) -> dict[str, Any]:
        """Say what cannot be used, and who has it already."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_domain = cleaned.get("kind") == CompanyAlias.Kind.DOMAIN
        text = cleaned.get("text") or ""
        self.instance.key = registered_domain(text) if is_domain else name_key(text)
        if text and not self.instance.key:
            self.add_error("text", _("This cannot be read."))
        elif CompanyAlias.objects.filter(kind=cleaned.get("kind"), key=self.instance.key).exclude(pk=self.instance.pk):
            self.add_error("text", _("This leads to another company already."))
        return cleaned


class AliasInline(TabularInline):
    """Further domains and names; people who belong here by them move in."""

    model = CompanyAlias
    form = AliasForm
    extra = 0


@admin.register(Company)
class CompanyAdmin(ModelAdmin):
    """Companies; who owns the account and whether it is a customer is told here."""

    list_display = ("name", "domain", "country", "staff", "account_owner", "is_customer")
    list_filter = ("is_customer", "country")
    search_fields = ("name", "domain")
    list_select_related = ("account_owner",)
    autocomplete_fields = ("account_owner", "parent")
    readonly_fields = ("name", "domain", "country", "city", "industry", "staff", "revenue", "website")
    fields = ("account_owner", "is_customer", "parent", *readonly_fields)
    show_full_result_count = False
    inlines = (AliasInline, ValueInline)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Whoever belongs here by a domain that was added moves in."""
        super().save_related(request, form, formsets, change)
        rematch(form.instance)


@admin.register(Lead)
class LeadAdmin(ReadOnlyAdmin):
    """Leads, to be found by those who repair."""

    list_display = ("id", "contact", "stage", "owner", "source", "first_seen_at", "is_history")
    list_filter = ("stage", "is_history", "channel")
    search_fields = ("=id", "contact__email", "contact__last_name", "contact__identities__external_id")
    list_select_related = ("contact", "owner", "source")
    show_full_result_count = False
