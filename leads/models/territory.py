"""Territories: who looks after which part of the world, by country, region and postal code."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class TerritoryTable(models.Model):
    """One way to divide the world. Of each lead it says one territory: the fact ``territory.<slug>``."""

    slug = models.CharField(
        _("short name"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z", _("Small letters, digits and _, beginning with a letter."))],
    )
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class TerritoryArea(models.Model):
    """One part of a territory: a whole country, a region of it, or codes that begin with ``low`` to ``high``.

    Where several hold for a lead, the longest postal code wins, then the region, then the country.
    """

    table = models.ForeignKey(TerritoryTable, on_delete=models.CASCADE, related_name="areas")
    territory = models.CharField(_("territory"), max_length=80)
    country = models.CharField(_("country"), max_length=2)
    region = models.CharField(_("region"), max_length=80, blank=True)
    region_key = models.CharField(max_length=80, blank=True, editable=False)
    # Compared by bytes, as Python compares them.
    low = models.CharField(_("postal code from"), max_length=16, blank=True, db_collation="C")
    high = models.CharField(_("to"), max_length=16, blank=True, db_collation="C")

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(low="", high="") | Q(region_key="", low__gt="", high__gte=F("low")),
                name="leads_territoryarea_one_kind",
            ),
            models.CheckConstraint(
                condition=Q(low="") | Q(low__regex="^[0-9A-Z]+$", high__regex="^[0-9A-Z]+$"),
                name="leads_territoryarea_codes",
            ),
            models.UniqueConstraint(
                fields=["table", "country", "region_key"], condition=Q(low=""), name="leads_territoryarea_unique_region"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.territory}: {self.country} {self.region or self.codes}".strip()

    @property
    def codes(self) -> str:
        """The postal codes as people write them."""
        return self.low if self.low == self.high else f"{self.low}–{self.high}"
