"""Senders who are kept out, and those who never are."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Listed(models.Model):
    """One address, domain, number or word with what it means for a submission. Allowing wins over blocking."""

    class Kind(models.TextChoices):
        """What is compared."""

        EMAIL = "email", _("E-mail address")
        DOMAIN = "domain", _("Domain")
        PHONE = "phone", _("Phone number")
        WORD = "word", _("Words in the message")
        IP = "ip", _("IP address")

    class Verdict(models.TextChoices):
        """What follows."""

        BLOCK = "block", _("Hold in quarantine")
        ALLOW = "allow", _("Always let through")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    value = models.CharField(_("value"), max_length=254, help_text=_("As it is compared: small letters, E.164."))
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict, default=Verdict.BLOCK)
    note = models.CharField(_("note"), max_length=200, blank=True)
    at = models.DateTimeField(_("since"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["kind", "value"]
        verbose_name_plural = _("listed senders")
        # One thing means one thing.
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="leads_listed_unique")]

    def __str__(self) -> str:
        return self.value


class MailboxState(models.Model):
    """How far a mailbox has been read. A row's claim keeps two workers from reading it at once."""

    channel = models.OneToOneField("leads.Channel", on_delete=models.CASCADE, related_name="mailbox")
    uid_validity = models.BigIntegerField(null=True, blank=True)
    last_uid = models.BigIntegerField(default=0)
    next_poll_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    polled_at = models.DateTimeField(_("last read"), null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.channel_id} up to {self.last_uid}"
