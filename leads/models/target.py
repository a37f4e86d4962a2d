"""What a team wants to reach in a month."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Target(models.Model):
    """One figure that a team, or everybody together, shall reach in every month."""

    class Measure(models.TextChoices):
        """What is measured. Shares are in percent, times in minutes, the others are counts and money of a month."""

        KEPT = "kept", _("Promises kept, %")
        CONTACTED = "contacted", _("Leads contacted, %")
        FIRST_TOUCH = "first_touch", _("Median first touch, minutes")
        SQLS = "sqls", _("SQLs a month")
        ACCEPTED = "accepted", _("Handoffs accepted, %")
        REVENUE = "revenue", _("Revenue a month")

    team = models.ForeignKey("leads.Team", on_delete=models.CASCADE, null=True, blank=True, related_name="targets")
    measure = models.CharField(_("measure"), max_length=12, choices=Measure)
    value = models.DecimalField(_("value"), max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])

    class Meta:
        ordering = ["measure"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "measure"], name="leads_target_of_team", condition=Q(team__isnull=False)
            ),
            models.UniqueConstraint(fields=["measure"], name="leads_target_of_all", condition=Q(team=None)),
            models.CheckConstraint(condition=Q(value__gte=0), name="leads_target_not_negative"),
            models.CheckConstraint(
                condition=~Q(measure__in=["kept", "contacted", "accepted"]) | Q(value__lte=100),
                name="leads_target_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team or _('All teams')}: {self.get_measure_display()}"
