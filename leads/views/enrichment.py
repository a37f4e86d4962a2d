"""Setting providers up: who is asked in which order, what each has cost and brought, and a question to try one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import ConfigurationError, PermanentError, RetryableError
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, role_required
from leadmgmt.core.secrets import seal
from leadmgmt.core.web import post_from
from leads.enrichers import ip_place
from leads.enrichers.email_class import classify, is_private_domain
from leads.enrichers.homepage import TOLD
from leads.enrichers.http_json import check_config
from leads.enrichers.vendors import VENDORS
from leads.models import Company, Contact, Provider
from leads.normalise.company import registered_domain
from leads.normalise.email import InvalidAddress, read_address
from leads.services.enrich import NETWORK
from leads.services.enrichment_account import Account, accounts
from leads.services.fields import COMPANY_FIELDS, CONTACT_FIELDS
from leads.services.provenance import first_for

KINDS = (
    ("http_json", gettext_lazy("JSON over HTTP")),
    ("homepage", gettext_lazy("Homepage of the company")),
    ("mail_exchange", gettext_lazy("Mail exchanger of the address")),
    ("ip_place", gettext_lazy("Place of the IP address, by a file")),
)
# Those that are set up here; the other local ones need nothing.
SHOWN = (*NETWORK, ip_place.KIND)
FIELDS = tuple(
    (f"{subject}.{field}", f"{subject}.{field}")
    for subject, fields in (("contact", CONTACT_FIELDS), ("company", COMPANY_FIELDS))
    for field in fields
)


@dataclass(frozen=True)
class Line:
    """One provider with its account."""

    provider: Provider
    account: Account
    is_paused: bool

    @property
    def is_spent(self) -> bool:
        """Whether this month's budget is used up."""
        return self.provider.budget is not None and self.account.spent >= self.provider.budget


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker alone
    """One provider; its credential goes in and never comes out."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS)
    new_secret = forms.CharField(
        label=gettext_lazy("Key"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Kept encrypted. Leave it empty to keep the one there is."),
    )
    config = forms.JSONField(
        label=gettext_lazy("How it is asked"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=gettext_lazy("Address, headers and what stands where in the answer; see docs/enrichment.md."),
    )

    first_for = forms.MultipleChoiceField(
        label=gettext_lazy("Comes first for"),
        required=False,
        choices=FIELDS,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Its word counts before all other providers' for these, whatever its precedence."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = tells(self.instance)
        named = first_for(self.instance)
        self.initial["first_for"] = named
        self.initial["config"] = {name: value for name, value in self.instance.config.items() if name != "first_for"}
        asked: Any = self.fields["first_for"]
        asked.choices = [one for one in FIELDS if one[0] in told or one[0] in named]
        if not told and not named:
            del self.fields["first_for"]

    class Meta:
        model = Provider
        fields = (
            "name",
            "kind",
            "position",
            "deadline_ms",
            "price",
            "budget",
            "rate_per_minute",
            "is_active",
            "config",
        )

    def clean(self) -> dict[str, Any]:
        """Check the configuration by its kind, each complaint with its remedy."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["config"] = cleaned.get("config") or {}
        if cleaned.get("kind") == "http_json" and "config" not in self.errors:
            for field, remedy in check_config(cleaned["config"]).items():
                self.add_error("config", f"{field}: {remedy}")
        if cleaned.get("kind") == ip_place.KIND and (remedy := ip_place.check_file(cleaned["config"])):
            self.add_error("config", remedy)
        if "config" in cleaned:
            cleaned["config"].pop("first_for", None)
            if named := cleaned.get("first_for"):
                cleaned["config"]["first_for"] = named
        if cleaned.get("deadline_ms") is not None and not 100 <= cleaned["deadline_ms"] <= 30_000:
            self.add_error("deadline_ms", _("Write 100 to 30000 milliseconds."))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Seal a new credential before it reaches the database."""
        if self.cleaned_data["new_secret"]:
            self.instance.secret = seal(self.cleaned_data["new_secret"])
        return super().save(commit)


def tells(provider: Provider) -> frozenset[str]:
    """The fields that a provider as it is set up may tell."""
    if provider.kind == "homepage":
        return frozenset(f"company.{name}" for name in TOLD)
    if provider.kind == "http_json":
        mapping = provider.config.get("mapping")
        return frozenset(map(str, mapping)) if isinstance(mapping, dict) else frozenset()
    if provider.kind in NETWORK:
        return NETWORK[provider.kind](provider).fields()
    return (
        frozenset(f"contact.{name}" for name in ip_place.CONFIDENCE) if provider.kind == ip_place.KIND else frozenset()
    )


@require_GET
@role_required(ADMIN)
def provider_list(request: HttpRequest) -> HttpResponse:
    """All providers that are asked over the network, in their order, with what they cost and brought."""
    at = now()
    providers = list(Provider.objects.filter(kind__in=SHOWN))
    told = accounts(providers, at)
    lines = [Line(one, told[one.pk], bool(one.paused_until and one.paused_until > at)) for one in providers]
    taken = {one.slug for one in providers}
    vendors = [(slug, vendor["name"]) for slug, vendor in VENDORS.items() if slug not in taken]
    cost = sum((line.account.cost for line in lines), Decimal(0))
    context = {"lines": lines, "vendors": vendors, "cost": cost, "at": at}
    return render(request, "leads/provider_list.html", context)


@role_required(ADMIN)
@post_from("leads:provider_list")
def provider_add(request: HttpRequest) -> HttpResponse:
    """A ready-made provider, or an empty one; switched off until it is set up."""
    slug = request.POST.get("vendor", "")
    vendor = VENDORS.get(slug)
    if vendor is None:
        name = request.POST.get("name", "").strip()[:120] or _("New provider")
        slug, vendor = slugify(name)[:40] or "provider", {"name": name, "config": {}}
    kind = str(vendor.get("kind", "http_json"))
    provider, is_new = Provider.objects.get_or_create(
        slug=slug,
        defaults={
            "name": str(vendor["name"]),
            "kind": kind,
            "config": vendor["config"],
            "price": Decimal(str(vendor.get("price", "0"))),
            # Without a key or an address nobody can be asked; what needs neither begins at once.
            "is_active": kind in ("homepage", "mail_exchange"),
            "position": int(vendor.get("position", 100)),
        },
    )
    if not is_new:
        messages.warning(request, _("This provider is there already."))
    return redirect("leads:provider", provider.slug)


@require_http_methods(["GET", "POST"])
@role_required(ADMIN)
def provider(request: HttpRequest, slug: str) -> HttpResponse:
    """One provider."""
    found = get_object_or_404(Provider, slug=slug, kind__in=SHOWN)
    form = ProviderForm(request.POST if request.method == "POST" else None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("leads:provider", slug)
    return _page(request, found, form)


def _page(
    request: HttpRequest, found: Provider, form: ProviderForm | None = None, trial: dict[str, Any] | None = None
) -> HttpResponse:
    shown = Provider.objects.get(pk=found.pk)
    context = {
        "provider": shown,
        "form": form or ProviderForm(instance=found),
        "account": accounts([shown], now())[shown.pk],
        "trial": trial,
        "at": now(),
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "leads/provider.html", context, status=status)


@role_required(ADMIN)
@post_from("leads:provider", "slug")
def provider_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask about an address and show what would be offered; nothing of it is kept."""
    found = get_object_or_404(Provider, slug=slug, kind__in=SHOWN)
    return _page(request, found, trial=_try(found, request.POST.get("email", "").strip()))


def _try(provider: Provider, email: str) -> dict[str, Any]:
    if provider.kind == ip_place.KIND:
        if remedy := ip_place.check_file(provider.config):
            return {"email": email, "error": remedy}
        found = ip_place.look_up(email, provider.config).items()
        return {
            "email": email,
            "values": [(f"contact.{name}", value, ip_place.CONFIDENCE[name]) for name, value in found],
        }
    try:
        address = read_address(email)
    except InvalidAddress as error:
        return {"email": email, "error": str(error)}
    domain = registered_domain(address.domain)
    company = Company(name=domain, domain=domain) if domain and not is_private_domain(domain) else None
    contact = Contact(email=address.written, email_class=classify(address.written), company=company)
    speaker: Any = NETWORK[provider.kind](provider)
    if not speaker.applies_to(contact):
        return {"email": email, "error": _("About this address the provider is not asked.")}
    try:
        offered, problems = speaker.read(speaker.ask(speaker.question(contact)))
    except (RetryableError, PermanentError, ConfigurationError) as error:
        return {"email": email, "error": str(error)}
    values = [(f"{one.subject}.{one.field}", one.value, one.confidence) for one in offered]
    return {"email": email, "values": values, "problems": problems}
