"""Pools: the reps a rule distributes over, and the ledger that keeps the rotation fair."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Pool(models.Model):
    """Reps that share leads by weight."""

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    team = models.ForeignKey("leads.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="pools")
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PoolMember(models.Model):
    """A rep's share in a pool. `balance` is what the pool owes the rep in leads; over a pool it sums to zero."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="members")
    rep = models.ForeignKey("routing.Rep", on_delete=models.PROTECT, related_name="memberships")
    weight = models.DecimalField(_("weight"), max_digits=5, decimal_places=2, default=1)
    balance = models.DecimalField(_("balance"), max_digits=16, decimal_places=6, default=0, editable=False)
    last_assigned_at = models.DateTimeField(null=True, blank=True, editable=False)
    left_at = models.DateTimeField(_("left"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "rep"], name="routing_poolmember_unique"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="routing_poolmember_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.rep} in {self.pool}"


class LedgerEntry(models.Model):
    """One movement of a balance: an entitlement (+) or an assignment (−). The entries of one lead sum to zero."""

    class Kind(models.TextChoices):
        """Why the balance moved."""

        ENTITLEMENT = "entitlement", _("Share of a lead")
        ASSIGNMENT = "assignment", _("Lead received")
        CREDIT = "credit", _("Credit")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="ledger")
    rep = models.ForeignKey("routing.Rep", on_delete=models.PROTECT, related_name="ledger")
    lead = models.ForeignKey(
        "leads.Lead", on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    certificate = models.ForeignKey(
        "routing.Certificate", on_delete=models.PROTECT, null=True, blank=True, related_name="ledger"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=6)
    at = models.DateTimeField(_("time"))
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["pool", "-at"], name="routing_ledger_pool")]

    def __str__(self) -> str:
        return f"{self.rep}: {self.amount}"
