"""One inbound submission, kept as it came."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Capture(models.Model):
    """A raw submission and what became of it. The row exists before anything else happens to the submission."""

    class Status(models.TextChoices):
        """How far the submission has come."""

        RECEIVED = "received", _("Received")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")
        FAILED = "failed", _("Failed")
        QUARANTINED = "quarantined", _("In quarantine")
        TEST = "test", _("Test")
        IGNORED = "ignored", _("Nothing to do")

    # Nothing comes of it unless an admin acts.
    ENDED = (Status.REFUSED, Status.QUARANTINED, Status.TEST, Status.IGNORED)
    # What an admin may have read once more.
    REPLAYABLE = (Status.FAILED, Status.REFUSED, Status.QUARANTINED, Status.IGNORED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="captures")
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.RECEIVED)
    received_at = models.DateTimeField(_("received"), db_index=False)
    occurred_at = models.DateTimeField(
        _("happened"), help_text=_("When the person acted; for history brought in, in the past.")
    )
    payload = models.JSONField(_("raw submission"))
    payload_hash = models.CharField(max_length=64, editable=False)
    idempotency_key = models.CharField(max_length=255, blank=True)
    external_id = models.CharField(_("source's own id"), max_length=255, blank=True)
    context = models.JSONField(
        default=dict, blank=True, help_text=_("What the transport knows: referrer, landing page, UTM, user agent.")
    )
    fetched = models.JSONField(
        _("answer of the source"),
        null=True,
        blank=True,
        help_text=_("Where a webhook only says that there is something: what the source told when it was asked."),
    )
    verdict = models.CharField(
        _("verdict"), max_length=40, blank=True, help_text=_("Why it was put aside: a code of leads/screening.")
    )
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, null=True, blank=True, related_name="captures")
    contact = models.ForeignKey(
        "leads.Contact", on_delete=models.PROTECT, null=True, blank=True, related_name="captures"
    )
    match_reason = models.CharField(
        max_length=40, blank=True, help_text=_("Why it joined this contact: new, email, external_id, phone.")
    )
    problems = models.JSONField(default=list, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="leads_capture_idempotency_key_unique",
            ),
            # The same delivery twice; a changed submission under a known id is a new touch.
            models.UniqueConstraint(
                fields=["channel", "external_id", "payload_hash"],
                condition=~Q(external_id=""),
                name="leads_capture_external_id_unique",
            ),
        ]
        indexes = [
            # Submissions that still wait (sweep) or need an admin.
            models.Index(
                fields=["received_at"], condition=Q(status__in=["received", "failed"]), name="leads_capture_unfinished"
            ),
            # The quarantine.
            models.Index(fields=["-received_at"], condition=Q(status="quarantined"), name="leads_capture_quarantine"),
            # A channel's log, newest first.
            models.Index(fields=["channel", "-received_at"], name="leads_capture_channel_log"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def who(self) -> str:
        """What to call it on a screen: the person, else what the submission says of them, else its id."""
        if self.lead is not None:
            return str(self.lead.contact.name)
        told = self.payload if isinstance(self.payload, dict) else {}
        return next((str(told[name]) for name in ("name", "email", "phone") if told.get(name)), "") or (
            self.external_id or str(self.id)
        )
