"""Pools: the reps a rule distributes over, and the ledger that keeps the rotation fair."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Pool(models.Model):
    """Reps that share leads by weight."""

    class Strategy(models.TextChoices):
        """Who of those who could take a lead receives it."""

        FAIR = "fair", _("In turn, by weight")
        LEAST_LOADED = "least_loaded", _("Fewest open leads for their weight")
        BEST_FIT = "best_fit", _("Who fits best, then in turn")
        CLAIM = "claim", _("They take the next one themselves")

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    team = models.ForeignKey("leads.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="pools")
    strategy = models.CharField(_("shared out"), max_length=12, choices=Strategy, default=Strategy.FAIR)
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
    # Ramp-up: the weight grows from this part of it on the day of joining to the whole after so many days.
    joined_at = models.DateTimeField(_("joined"), null=True, blank=True)
    ramp_days = models.PositiveSmallIntegerField(_("full share after days"), null=True, blank=True)
    ramp_from = models.DecimalField(_("begins with a part of"), max_digits=3, decimal_places=2, default=Decimal("0.25"))

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ramp_from__gte=0, ramp_from__lte=1), name="routing_poolmember_ramp"),
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


class CreditClaim(models.Model):
    """A rep's word that a lead was none: granted by somebody else, it gives the turn back."""

    class Why(models.TextChoices):
        """What was wrong with the lead."""

        SPAM = "spam", _("Spam or nonsense")
        UNREACHABLE = "unreachable", _("No way to reach them")
        DUPLICATE = "duplicate", _("Known already")
        WRONG = "wrong", _("Not meant for us")
        OTHER = "other", _("Something else")

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", _("To be decided")
        GRANTED = "granted", _("Granted")
        REFUSED = "refused", _("Refused")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="claims")
    rep = models.ForeignKey("routing.Rep", on_delete=models.PROTECT, related_name="claims")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="credit_claims")
    why = models.CharField(_("reason"), max_length=12, choices=Why)
    note = models.CharField(_("note"), max_length=400, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    asked_at = models.DateTimeField(_("asked"))
    reviewed_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reviewed_by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answer = models.CharField(_("answer"), max_length=400, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            # One lead gives one turn back at most.
            models.UniqueConstraint(fields=["lead", "rep"], name="routing_creditclaim_once"),
        ]

    def __str__(self) -> str:
        return f"{self.rep}: {self.lead_id}"
