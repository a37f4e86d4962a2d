"""Lists of companies that rules speak of: target accounts, competitors, partners."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class NamedList(models.Model):
    """One list. Of each lead it says whether its company stands there: the fact ``list.<slug>``."""

    class Kind(models.TextChoices):
        """What its lines are."""

        DOMAIN = "domain", _("Domains")
        COMPANY = "company", _("Company names")

    slug = models.CharField(
        _("short name"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z", _("Small letters, digits and _, beginning with a letter."))],
    )
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.DOMAIN)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class NamedListEntry(models.Model):
    """One line: as it was written, and as it is compared."""

    named_list = models.ForeignKey(NamedList, on_delete=models.CASCADE, related_name="entries")
    text = models.CharField(max_length=255)
    key = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["named_list", "key"], name="leads_namedlistentry_unique")]

    def __str__(self) -> str:
        return self.text
