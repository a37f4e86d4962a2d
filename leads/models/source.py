"""Where interest comes from, and what was spent on it."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Source(models.Model):
    """One governed origin of leads, such as `google-ads`. Spellings that arrive are aliases."""

    class Kind(models.TextChoices):
        """The family a source belongs to."""

        PAID = "paid", _("Paid")
        ORGANIC = "organic", _("Organic")
        REFERRAL = "referral", _("Referral")
        EVENT = "event", _("Event")
        OUTBOUND = "outbound", _("Outbound")
        OTHER = "other", _("Other")

    slug = models.SlugField(_("short name"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.OTHER)
    is_active = models.BooleanField(_("active"), default=True)
    is_confirmed = models.BooleanField(
        _("confirmed"),
        default=True,
        help_text=_(
            "Off: a spelling that arrived and that nobody knew; somebody decides whether it is one of its own."
        ),
    )
    folded_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="folded",
        help_text=_("What arrives under this name counts there."),
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SourceFold(models.Model):
    """Two sources that were one: everything of the one counts for the other since, and can be taken apart again."""

    kept = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    gone = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("when"))
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    # Table -> numbers of the rows that were moved; campaigns that met one of the same name -> that one.
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["gone"], condition=models.Q(undone_at=None), name="leads_sourcefold_once")
        ]

    def __str__(self) -> str:
        return f"{self.gone} → {self.kept}"


class SourceAlias(models.Model):
    """Another spelling of a source, as it arrives in utm_source or a file."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="aliases")
    alias = models.CharField(_("spelling"), max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("alias"), name="leads_sourcealias_unique")]

    def __str__(self) -> str:
        return self.alias


class Campaign(models.Model):
    """One campaign of a source, found by its utm_campaign."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="campaigns")
    key = models.CharField(_("utm_campaign"), max_length=200)
    name = models.CharField(_("name"), max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="leads_campaign_key_unique")]

    def __str__(self) -> str:
        return self.name


class SourceCost(models.Model):
    """Money spent on a source (or one campaign) within a period, both days included."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="costs")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="costs")
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="leads_sourcecost_period"
            ),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="leads_sourcecost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.amount}"
