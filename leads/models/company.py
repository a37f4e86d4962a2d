"""The organisation a contact works for."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class Company(models.Model):
    """One organisation, matched by domain, then by name (`name_key`: folded, without legal suffix)."""

    name = models.CharField(_("name"), max_length=255)
    name_key = models.CharField(max_length=255, editable=False, blank=True)
    domain = models.CharField(_("domain"), max_length=255, null=True, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    industry = models.CharField(_("industry"), max_length=120, blank=True)
    staff = models.PositiveIntegerField(_("staff"), null=True, blank=True)
    revenue = models.DecimalField(_("annual revenue"), max_digits=16, decimal_places=2, null=True, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True)
    website = models.URLField(_("website"), blank=True)
    linkedin = models.URLField(_("LinkedIn page"), blank=True)
    parent = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="subsidiaries",
        help_text=_("Whose subsidiary it is: an owner or a customer there counts here too."),
    )
    account_owner = models.ForeignKey(
        "leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="accounts"
    )
    is_customer = models.BooleanField(_("customer"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = _("companies")
        constraints = [
            models.UniqueConstraint(fields=["domain"], name="leads_company_domain_unique"),
            models.UniqueConstraint(
                fields=["name_key", "country"],
                condition=models.Q(domain__isnull=True) & ~models.Q(name_key=""),
                name="leads_company_name_unique_without_domain",
            ),
        ]
        indexes = [
            # Match by name where no domain is known.
            models.Index(fields=["name_key"], name="leads_company_name_key"),
            # Which names are alike: compared are those with the same beginning.
            models.Index(fields=["name_key"], opclasses=["varchar_pattern_ops"], name="leads_company_key_prefix"),
            # Search box.
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="leads_company_name_trgm"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def keeper_id(self) -> int | None:
        """Who owns the account: ours, else that of the company it belongs to."""
        if self.account_owner_id is not None or self.parent_id is None:
            return self.account_owner_id
        return self.parent.account_owner_id if self.parent else None


class CompanyAlias(models.Model):
    """A further domain or name that a company goes by."""

    class Kind(models.TextChoices):
        """What it is."""

        DOMAIN = "domain", _("Domain")
        NAME = "name", _("Name")

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    text = models.CharField(_("domain or name"), max_length=255)
    key = models.CharField(max_length=255, editable=False)

    class Meta:
        verbose_name_plural = _("company aliases")
        # One domain, one name leads to one company.
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="leads_companyalias_unique")]

    def __str__(self) -> str:
        return self.text
