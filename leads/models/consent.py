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
