"""What makes a lead an MQL or an SQL, versioned."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Criteria(models.Model):
    """A condition of the one condition language; for SQL also a framework whose required questions must be answered."""

    class Kind(models.TextChoices):
        """Which stage it opens."""

        MQL = "mql", "MQL"
        SQL = "sql", "SQL"

    class Status(models.TextChoices):
        """Where the version stands."""

        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    kind = models.CharField(_("kind"), max_length=3, choices=Kind)
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    name = models.CharField(_("name"), max_length=120)
    condition = models.JSONField(_("condition"), default=dict, blank=True)
    framework = models.ForeignKey(
        "qualification.Framework", on_delete=models.PROTECT, null=True, blank=True, related_name="criteria"
    )
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = _("criteria")
        permissions = [("override_criteria", "Can move a lead on that does not meet the criteria")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="qualification_criteria_version_unique"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(status="published"), name="qualification_criteria_one_published"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.version}"
