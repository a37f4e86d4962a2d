"""Promises of a first human touch, and the running clocks."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class SlaPolicy(models.Model):
    """How soon a person must have been in touch, in minutes, counted in working time or around the clock."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    first_touch_minutes = models.PositiveIntegerField(_("first touch within minutes"))
    in_working_time = models.BooleanField(_("counts in working time"), default=True)
    is_default = models.BooleanField(_("default"), default=False)
    acknowledge_minutes = models.PositiveIntegerField(
        _("acknowledged within minutes"),
        null=True,
        blank=True,
        help_text=_("Of being given; in working time as above."),
    )
    escalate_minutes = models.PositiveIntegerField(
        _("the team lead is told before, minutes"), null=True, blank=True, help_text=_("Before it runs out.")
    )
    reassign_minutes = models.PositiveIntegerField(
        _("given to somebody else after, minutes"),
        null=True,
        blank=True,
        help_text=_("After it ran out untouched, and only to somebody who works then."),
    )

    attempts = models.PositiveSmallIntegerField(
        _("attempts"), null=True, blank=True, help_text=_("Calls and e-mails, unless the person is reached before.")
    )
    attempt_days = models.PositiveSmallIntegerField(
        _("within days"), null=True, blank=True, help_text=_("After the lead came; days of work as above.")
    )

    class Meta:
        ordering = ["first_touch_minutes"]
        verbose_name = _("SLA policy")
        verbose_name_plural = _("SLA policies")
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="routing_slapolicy_one_default"
            ),
            models.CheckConstraint(condition=Q(first_touch_minutes__gt=0), name="routing_slapolicy_positive"),
            models.CheckConstraint(
                condition=Q(attempts__isnull=True, attempt_days__isnull=True)
                | Q(attempts__gte=1, attempt_days__gte=1, attempts__isnull=False, attempt_days__isnull=False),
                name="routing_slapolicy_attempts_complete",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SlaClock(models.Model):
    """One running promise on one lead, starting at capture. `due_at` is recomputed when the owner changes."""

    class Cause(models.TextChoices):
        """Where the time went that a broken promise lacked."""

        NO_SHIFT = "no_shift", _("Nobody was at work")
        CAPS = "caps", _("Everybody was at the cap")
        QUEUE = "queue", _("Nobody took it from the queue")
        UNOWNED = "unowned", _("Nobody had it")
        LATE_OWNED = "late_owned", _("It was given late")
        UNSEEN = "unseen", _("Its rep did not see it")
        IDLE = "idle", _("Its rep saw it and did nothing")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="sla_clocks")
    policy = models.ForeignKey(SlaPolicy, on_delete=models.PROTECT, related_name="clocks")
    started_at = models.DateTimeField(_("started"))
    owned_at = models.DateTimeField(_("owned"), null=True, blank=True)
    due_at = models.DateTimeField(_("due"))
    touched_at = models.DateTimeField(pgettext_lazy("ours", "first touch"), null=True, blank=True)
    breached_at = models.DateTimeField(_("breached"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stop_reason = models.CharField(_("stopped because"), max_length=40, blank=True)
    # Seconds that counted, until somebody had the lead and after; None while it runs.
    unowned_seconds = models.PositiveIntegerField(_("seconds without an owner"), null=True, blank=True)
    owned_seconds = models.PositiveIntegerField(_("seconds with an owner"), null=True, blank=True)
    cause = models.CharField(_("why it broke"), max_length=12, choices=Cause, blank=True)
    ack_due_at = models.DateTimeField(_("to be acknowledged by"), null=True, blank=True)
    ack_breached_at = models.DateTimeField(_("not acknowledged at"), null=True, blank=True)
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    reassigned = models.PositiveSmallIntegerField(_("times given on"), default=0)

    class Meta:
        verbose_name = _("SLA clock")
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(stopped_at__isnull=True), name="routing_slaclock_one_running_per_lead"
            )
        ]
        indexes = [
            # Which running clocks have to be acknowledged.
            models.Index(
                fields=["ack_due_at"],
                condition=Q(stopped_at__isnull=True, ack_breached_at__isnull=True, ack_due_at__isnull=False),
                name="routing_slaclock_ack_due",
            ),
            # Which running clocks are over.
            models.Index(
                fields=["due_at"],
                condition=Q(stopped_at__isnull=True, breached_at__isnull=True),
                name="routing_slaclock_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} due {self.due_at:%Y-%m-%d %H:%M}"


class AttemptClock(models.Model):
    """A promise to try so often: ``wanted`` calls and e-mails by ``due_at``, unless the person is reached before.

    Kept where ``met_at`` is set, broken where ``breached_at`` is; stopped with neither where the lead closed before.
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="attempt_clocks")
    policy = models.ForeignKey(SlaPolicy, on_delete=models.PROTECT, related_name="attempt_clocks")
    wanted = models.PositiveSmallIntegerField(_("attempts wanted"))
    made = models.PositiveSmallIntegerField(_("attempts made"), default=0)
    started_at = models.DateTimeField(_("started"))
    due_at = models.DateTimeField(_("due"))
    met_at = models.DateTimeField(_("met"), null=True, blank=True)
    breached_at = models.DateTimeField(_("breached"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(stopped_at__isnull=True), name="routing_attemptclock_one_running_per_lead"
            ),
            models.CheckConstraint(
                condition=Q(met_at__isnull=True) | Q(breached_at__isnull=True), name="routing_attemptclock_one_end"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(stopped_at__isnull=True), name="routing_attemptclock_due"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.made} of {self.wanted}"

    @property
    def is_running(self) -> bool:
        """Whether attempts are still owed."""
        return self.stopped_at is None
