"""The one organisation of this installation."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Joining(models.TextChoices):
    """What becomes of an SQL whose company has an open deal."""

    ASK = "ask", _("Its SDR is asked")
    JOIN = "join", _("It joins the open deal")
    OWN = "own", _("It becomes a deal of its own")


class Organisation(models.Model):
    """Name and defaults of the organisation that works here; exactly one row, pk 1."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(_("name"), max_length=200)
    instance = models.UUIDField(
        default=uuid.uuid4, editable=False, help_text=_("Part of every key that we write to a CRM.")
    )
    country = models.CharField(_("country"), max_length=2, default="DE")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin")
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    expected_deal_value = models.DecimalField(_("usual deal value"), max_digits=12, decimal_places=2, default=10000)
    screening = models.JSONField(
        _("screening"), default=dict, blank=True, help_text=_("Checks that are switched off, by their code.")
    )
    joins_deals = models.CharField(
        _("open deal of the same company"),
        max_length=5,
        choices=Joining,
        default=Joining.ASK,
        help_text=_("What becomes of an SQL whose company has an open deal already."),
    )
    decide_hours = models.PositiveSmallIntegerField(
        _("AEs decide within (working hours)"), default=4, help_text=_("From the offer of a handoff on.")
    )
    counts_mail_clicks = models.BooleanField(
        _("count clicks in e-mails"),
        default=False,
        help_text=_("Links in e-mails then lead over our own address. Not needed where a mail service reports clicks."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="leads_organisation_single")]

    def __str__(self) -> str:
        return self.name
