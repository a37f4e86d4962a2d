"""What providers know about a person or company, with the origin of every value."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Provider(models.Model):
    """One configured source of knowledge; `kind` names the file in leads/enrichers that speaks to it."""

    slug = models.SlugField(_("short name"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=40)
    position = models.PositiveSmallIntegerField(
        _("precedence"), default=100, help_text=_("Lower comes first and wins.")
    )
    deadline_ms = models.PositiveIntegerField(_("deadline in ms"), default=5000)
    price = models.DecimalField(
        _("price of an answer"),
        max_digits=8,
        decimal_places=4,
        default=0,
        help_text=_("What an answer with values costs; nothing known costs nothing."),
    )
    budget = models.DecimalField(
        _("budget a month"),
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("When it is spent nobody is asked until the next month begins."),
    )
    rate_per_minute = models.PositiveIntegerField(
        _("questions a minute"), null=True, blank=True, help_text=_("At most; the others wait for their turn.")
    )
    config = models.JSONField(_("configuration"), default=dict, blank=True)
    secret = models.TextField(_("credential, encrypted"), blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    paused_until = models.DateTimeField(
        _("paused until"),
        null=True,
        blank=True,
        help_text=_("After several failures in a row nobody asks for a while."),
    )

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.name


class EnrichmentRequest(models.Model):
    """One question to one provider about one lead: claimed, called, recorded."""

    class Status(models.TextChoices):
        """How far the question has come."""

        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Answered")
        EMPTY = "empty", _("Nothing known")
        FAILED = "failed", _("Failed")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="enrichments")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="requests")
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    answer = models.JSONField(default=dict, blank=True)
    cost = models.DecimalField(_("cost"), max_digits=8, decimal_places=4, default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            # What the sweep must nudge.
            models.Index(
                fields=["asked_at"], condition=Q(status__in=["waiting", "running"]), name="leads_enrichment_open"
            ),
            # What a provider has cost this month and answered lately.
            models.Index(fields=["provider", "-finished_at"], name="leads_enrichment_account"),
        ]
        constraints = [
            # At most one open question per provider and lead.
            models.UniqueConstraint(
                fields=["lead", "provider"],
                condition=Q(status__in=["waiting", "running"]),
                name="leads_enrichment_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.status}"


class FieldValue(models.Model):
    """One value of one field with its origin. The value shown on the contact or company is the winning one."""

    contact = models.ForeignKey(
        "leads.Contact", on_delete=models.CASCADE, null=True, blank=True, related_name="field_values"
    )
    company = models.ForeignKey(
        "leads.Company", on_delete=models.CASCADE, null=True, blank=True, related_name="field_values"
    )
    field = models.CharField(_("field"), max_length=60)
    value = models.JSONField(_("value"))
    origin = models.CharField(
        _("origin"), max_length=60, help_text=_("form, api, import, a person, or a provider's short name")
    )
    confidence = models.FloatField(_("confidence"), default=1.0)
    at = models.DateTimeField(_("known since"))
    replaced = models.JSONField(_("replaced"), null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(contact__isnull=False, company__isnull=True)
                | Q(contact__isnull=True, company__isnull=False),
                name="leads_fieldvalue_one_subject",
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="leads_fieldvalue_confidence"
            ),
            models.UniqueConstraint(fields=["contact", "field", "origin"], name="leads_fieldvalue_contact_unique"),
            models.UniqueConstraint(fields=["company", "field", "origin"], name="leads_fieldvalue_company_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.field} ({self.origin})"
