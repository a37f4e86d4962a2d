"""Configured ways in, and the keys that open the API."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.Model):
    """One configured way in. `config` belongs to the kind (a form's fields, a webhook's mapping)."""

    class Kind(models.TextChoices):
        """Which code reads what comes in."""

        API = "api", _("API")
        FORM = "form", _("Hosted form")
        IMPORT = "import", _("File import")
        MANUAL = "manual", _("By hand")
        WEBHOOK = "webhook", _("Webhook")
        META = "meta", _("Meta Lead Ads")
        GOOGLE_ADS = "google_ads", _("Google Ads lead form")
        LINKEDIN = "linkedin", _("LinkedIn Lead Gen Forms")
        TIKTOK = "tiktok", _("TikTok lead form")
        TYPEFORM = "typeform", _("Typeform")
        CALENDLY = "calendly", _("Calendly")
        INTERCOM = "intercom", _("Intercom")
        HUBSPOT = "hubspot", _("HubSpot forms")
        SALESFORCE = "salesforce", _("Salesforce Web-to-Lead")
        MAIL = "mail", _("Mailbox")

    slug = models.SlugField(_("short name"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    source = models.ForeignKey(
        "leads.Source",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("Counts where the submission names none."),
    )
    config = models.JSONField(_("configuration"), default=dict, blank=True)
    secrets = models.TextField(
        _("credentials, encrypted"), blank=True, editable=False, help_text=_("See leads/services/credentials.py.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ChannelError(models.Model):
    """Calls to a channel's door that were turned away in one hour for one reason; nothing of them is kept.

    Counted, not listed: whoever knocks without a key must not be able to fill the database.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="errors")
    hour = models.DateTimeField(_("hour"))
    code = models.CharField(_("code"), max_length=40)
    detail = models.CharField(_("reason"), max_length=300, blank=True)
    count = models.PositiveIntegerField(_("calls"), default=1)
    last_at = models.DateTimeField(_("last"))

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            # Counting is one upsert.
            models.UniqueConstraint(fields=["channel", "hour", "code"], name="leads_channelerror_unique")
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.count}"


class ApiKey(models.Model):
    """A bearer key: for capture on one channel, and for reading and writing as one user. Only its hash is stored."""

    name = models.CharField(_("name"), max_length=120)
    prefix = models.CharField(max_length=16, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, null=True, blank=True, related_name="keys")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="api_keys"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(channel__isnull=False) | models.Q(user__isnull=False),
                name="leads_apikey_opens_something",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
