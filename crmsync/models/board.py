"""The built-in opportunity board: the far side of the `local` adapter. It knows nothing of our leads."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class BoardDeal(models.Model):
    """A deal as the board keeps it. Every change sets `modified_at` and counts `version` up."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    external_key = models.CharField(max_length=200, unique=True, null=True, blank=True)
    name = models.CharField(_("name"), max_length=255)
    company = models.CharField(_("company"), max_length=255, blank=True)
    contact = models.CharField(_("contact"), max_length=255, blank=True)
    contact_email = models.CharField(_("e-mail"), max_length=254, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=40, blank=True)
    stage = models.CharField(_("stage"), max_length=60)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    close_on = models.DateField(_("expected close"), null=True, blank=True)
    owner_email = models.CharField(_("owner"), max_length=254, blank=True)
    lost_reason = models.CharField(_("lost because"), max_length=255, blank=True)
    source = models.CharField(_("source"), max_length=120, blank=True)
    campaign = models.CharField(_("campaign"), max_length=200, blank=True)
    summary = models.TextField(_("qualification"), blank=True)
    history = models.TextField(_("what happened before"), blank=True)
    consent = models.TextField(_("consent"), blank=True)
    link = models.URLField(_("lead"), blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    modified_by = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-modified_at"]
        indexes = [
            # What changed since then, in keyset pages.
            models.Index(fields=["modified_at", "id"], name="crmsync_board_changes"),
            # One column of the board, newest first.
            models.Index(fields=["stage", "-modified_at"], name="crmsync_board_column"),
        ]

    def __str__(self) -> str:
        return self.name


class BoardNote(models.Model):
    """A line on a deal's card."""

    deal = models.ForeignKey(BoardDeal, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    by = models.CharField(max_length=120, blank=True)
    body = models.TextField()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.body[:40]
