"""What the CRMs know of companies, for routing: whose account it is, who buys already, and on what somebody works."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Account(models.Model):
    """One company as a CRM has it. Read, never written; no mirror of what else stands there."""

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.CASCADE, related_name="accounts")
    remote_id = models.CharField(max_length=120)
    company = models.ForeignKey("leads.Company", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(_("name"), max_length=255, blank=True)
    name_key = models.CharField(max_length=255, blank=True, editable=False)
    domain = models.CharField(_("domain"), max_length=255, blank=True)
    owner_email = models.CharField(_("account owner"), max_length=255, blank=True)
    is_customer = models.BooleanField(_("customer"), default=False)
    has_won = models.BooleanField(_("has bought"), default=False, help_text=_("A deal of theirs was won there."))
    # When a reading last came across it: one that a full reading misses is gone there.
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="crmsync_account_unique")]
        indexes = [
            # Whose account is a company that we have just met?
            models.Index(fields=["domain"], condition=~Q(domain=""), name="crmsync_account_domain"),
            models.Index(fields=["name_key"], condition=Q(domain=""), name="crmsync_account_name"),
        ]

    def __str__(self) -> str:
        return self.name


class AccountDeal(models.Model):
    """An open deal of an account that was not made by us: somebody is working on this company already."""

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.CASCADE, related_name="account_deals")
    remote_id = models.CharField(max_length=120)
    account_remote_id = models.CharField(max_length=120)
    name = models.CharField(_("name"), max_length=255, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    owner_email = models.CharField(_("owner"), max_length=255, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="crmsync_accountdeal_unique")]
        indexes = [models.Index(fields=["connection", "account_remote_id"], name="crmsync_accountdeal_account")]

    def __str__(self) -> str:
        return self.name
