"""One marketing touch."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Touchpoint(models.Model):
    """One contact of a person with our marketing, with where it came from and when."""

    class Kind(models.TextChoices):
        """What the person did."""

        FORM = "form", _("Form")
        API = "api", _("API")
        IMPORT = "import", _("Import")
        MANUAL = "manual", _("By hand")
        VISIT = "visit", _("Visit")
        MEETING = "meeting", _("Booked a meeting")
        CHAT = "chat", _("Chat")
        EMAIL = "email", _("Wrote an e-mail")
        EMAIL_OPEN = "email_open", _("Opened an e-mail")
        EMAIL_CLICK = "email_click", _("Clicked in an e-mail")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="touchpoints")
    contact = models.ForeignKey("leads.Contact", on_delete=models.CASCADE, related_name="touchpoints")
    capture = models.OneToOneField(
        "leads.Capture", on_delete=models.PROTECT, null=True, blank=True, related_name="touchpoint"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    at = models.DateTimeField(_("time"))
    source = models.ForeignKey(
        "leads.Source", on_delete=models.PROTECT, null=True, blank=True, related_name="touchpoints"
    )
    campaign = models.ForeignKey(
        "leads.Campaign", on_delete=models.PROTECT, null=True, blank=True, related_name="touchpoints"
    )
    utm_source = models.CharField(max_length=200, blank=True)
    utm_medium = models.CharField(max_length=200, blank=True)
    utm_campaign = models.CharField(max_length=200, blank=True)
    utm_term = models.CharField(max_length=200, blank=True)
    utm_content = models.CharField(max_length=200, blank=True)
    referrer = models.CharField(max_length=500, blank=True)
    landing_page = models.CharField(max_length=500, blank=True)
    subject = models.CharField(
        _("about"), max_length=200, blank=True, help_text=_("What was asked for: demo, pricing, webinar.")
    )
    message = models.TextField(_("in their words"), blank=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            # A lead's touches in order.
            models.Index(fields=["lead", "at"], name="leads_touchpoint_lead"),
            # Attribution by source and period.
            models.Index(fields=["source", "at"], name="leads_touchpoint_source"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"
