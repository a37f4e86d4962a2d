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
    website = models.URLField(_("website"), blank=True)
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
            # Search box.
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="leads_company_name_trgm"),
        ]

    def __str__(self) -> str:
        return self.name
