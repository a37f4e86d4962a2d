"""The deal in the CRM as we mirror it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Opportunity(models.Model):
    """One deal of one lead. After the handoff the CRM owns stage, amount, close date and owner."""

    class Stage(models.TextChoices):
        """What we know of the deal; the CRM's finer stages are mapped onto these."""

        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="opportunities")
    name = models.CharField(_("name"), max_length=255)
    stage = models.CharField(_("stage"), max_length=5, choices=Stage, default=Stage.OPEN)
    remote_stage = models.CharField(_("stage in the CRM"), max_length=120, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    close_on = models.DateField(_("expected close"), null=True, blank=True)
    owner = models.ForeignKey(
        "leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="opportunities"
    )
    qualified_by = models.ForeignKey(
        "leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="qualified_opportunities"
    )
    loss_reason = models.ForeignKey("leads.Reason", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    loss_text = models.CharField(_("loss reason as the CRM words it"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    is_history = models.BooleanField(
        _("brought in as history"), default=False, help_text=_("Belongs to no CRM: never pushed, never reconciled.")
    )
    import_key = models.CharField(max_length=64, null=True, blank=True, unique=True, editable=False)
    seq = models.PositiveIntegerField(
        default=0, help_text=_("Counts local changes; the order in which they are delivered.")
    )

    class Meta:
        verbose_name_plural = _("opportunities")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(stage="open"), name="crmsync_opportunity_one_open_per_lead"
            ),
            models.CheckConstraint(
                condition=Q(stage="open", closed_at__isnull=True) | (~Q(stage="open") & Q(closed_at__isnull=False)),
                name="crmsync_opportunity_closed_has_date",
            ),
        ]
        indexes = [
            # Whose deals, and how many are open: the choice of an AE.
            models.Index(fields=["owner", "stage"], name="crmsync_opportunity_owner"),
        ]

    def __str__(self) -> str:
        return self.name
