"""What a person allowed us to do."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Consent(models.Model):
    """One statement on one purpose at one time, with the words it was given to; the newest counts."""

    class Purpose(models.TextChoices):
        """What the statement is about."""

        CALL = "call", _("Calls")
        EMAIL = "email", _("E-mail")
        PROFILING = "profiling", _("Profiling")

    contact = models.ForeignKey("leads.Contact", on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose)
    granted = models.BooleanField(_("granted"))
    text = models.TextField(_("wording"), blank=True)
    version = models.CharField(_("version of the wording"), max_length=40, blank=True)
    capture = models.ForeignKey(
        "leads.Capture", on_delete=models.PROTECT, null=True, blank=True, related_name="consents"
    )
    at = models.DateTimeField(_("given"))

    class Meta:
        indexes = [
            # The statement in force, newest first.
            models.Index(fields=["contact", "purpose", "-at"], name="leads_consent_in_force"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.granted}"


class ConsentRequest(models.Model):
    """Statements that count only when their address has confirmed them (double opt-in): one e-mail with a link."""

    class Status(models.TextChoices):
        """How far the question has come."""

        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        CONFIRMED = "confirmed", _("Confirmed")

    capture = models.OneToOneField("leads.Capture", on_delete=models.PROTECT, related_name="consent_request")
    contact = models.ForeignKey("leads.Contact", on_delete=models.CASCADE, related_name="consent_requests")
    email = models.EmailField(_("e-mail"), max_length=254)
    language = models.CharField(_("language"), max_length=8, default="en")
    statements = models.JSONField(_("statements"), help_text=_("Purpose, wording and its version."))
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.WAITING)
    asked_at = models.DateTimeField(_("asked"))
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        indexes = [
            # What the clock must nudge.
            models.Index(
                fields=["asked_at"],
                condition=models.Q(status__in=["waiting", "sending"]),
                name="leads_consent_request_open",
            ),
            # How often an address was written to lately.
            models.Index(fields=["email", "-asked_at"], name="leads_consent_request_email"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="confirmed", confirmed_at__isnull=False)
                | (~models.Q(status="confirmed") & models.Q(confirmed_at__isnull=True)),
                name="leads_consent_request_confirmed_at",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.status}"
