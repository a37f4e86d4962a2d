"""Mails to leads: templates, each mail with what became of it, and addresses that must not be written to."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class MailTemplate(models.Model):
    """A text to begin from. Variables are written ``{{ first_name }}``, with another word for unknown ones after a
    bar: ``{{ first_name | there }}``."""

    name = models.CharField(_("name"), max_length=80)
    language = models.CharField(
        _("language"), max_length=2, choices=[("en", "English"), ("de", "Deutsch")], default="en"
    )
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"))
    position = models.PositiveSmallIntegerField(_("position"), default=10)
    is_active = models.BooleanField(_("active"), default=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)
    changed_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["position", "name", "pk"]
        constraints = [models.UniqueConstraint(fields=["name", "language"], name="qualification_mailtemplate_name")]

    def __str__(self) -> str:
        return self.name


class OutgoingMail(models.Model):
    """One mail to a lead, written in the transaction of its activity (of a rep) or of its nurture, sent by a job."""

    class Status(models.TextChoices):
        """How far it has come."""

        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNSURE = "unsure", _("Perhaps sent")
        CANCELLED = "cancelled", _("Taken back")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="mails")
    activity = models.OneToOneField(
        "qualification.Activity", on_delete=models.CASCADE, null=True, blank=True, related_name="mail"
    )
    nurture = models.ForeignKey(
        "qualification.NurtureEnrolment", on_delete=models.SET_NULL, null=True, blank=True, related_name="mails"
    )
    template = models.ForeignKey(MailTemplate, on_delete=models.SET_NULL, null=True, blank=True, related_name="mails")
    step = models.ForeignKey(
        "qualification.CadenceStep", on_delete=models.SET_NULL, null=True, blank=True, related_name="mails"
    )
    by = models.ForeignKey("leads.User", on_delete=models.PROTECT, related_name="+")
    to = models.EmailField(_("to"), max_length=254)
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"))
    message_id = models.CharField(max_length=250, unique=True)
    in_reply_to = models.CharField(max_length=250, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    written_at = models.DateTimeField(_("written"))
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    clicked_at = models.DateTimeField(_("clicked"), null=True, blank=True)
    replied_at = models.DateTimeField(_("replied"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("bounced"), null=True, blank=True)

    class Meta:
        ordering = ["-written_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(activity__isnull=False) | Q(step__isnull=True), name="qualification_mail_of_somebody"
            )
        ]
        indexes = [
            models.Index(fields=["lead", "-written_at"], name="qualification_mail_lead"),
            # What the clock must nudge.
            models.Index(
                fields=["next_try_at"],
                name="qualification_mail_waiting",
                condition=Q(status__in=["waiting", "sending"]),
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class MailStop(models.Model):
    """An address that must not be written to: it bounced for good, or its owner complained."""

    class Reason(models.TextChoices):
        """Why."""

        BOUNCE = "bounce", _("Does not exist")
        COMPLAINT = "complaint", _("Marked as spam")

    email_key = models.CharField(_("address"), max_length=254, unique=True)
    reason = models.CharField(_("reason"), max_length=9, choices=Reason)
    detail = models.CharField(_("what was said"), max_length=400, blank=True)
    at = models.DateTimeField(_("since"))

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.email_key
