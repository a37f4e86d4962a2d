"""What came from the CRM, stored before it is applied."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class InboxEvent(models.Model):
    """One remote record as seen once; the dedupe key makes a second look harmless (CRM_CONTRACT 6.1)."""

    class State(models.TextChoices):
        """How far it has come."""

        READY = "ready", _("Ready")
        WAITING = "waiting", _("Held")
        DONE = "done", _("Done")
        DEAD = "dead", _("Given up")

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.PROTECT, related_name="inbox")
    via = models.CharField(
        max_length=10, choices=[("poll", "poll"), ("webhook", "webhook"), ("reconcile", "reconcile")]
    )
    dedupe_key = models.CharField(max_length=64)
    remote_id = models.CharField(max_length=120)
    body = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.READY)
    received_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "dedupe_key"], name="crmsync_inbox_dedupe")]
        indexes = [
            # What is to be applied next.
            models.Index(fields=["connection", "id"], condition=Q(state="ready"), name="crmsync_inbox_ready"),
            # Held and given up: the health page, and what a newer state of the same record settles.
            models.Index(
                fields=["connection", "remote_id"],
                condition=Q(state__in=["ready", "waiting", "dead"]),
                name="crmsync_inbox_unsettled",
            ),
            # Figures of a period, and what is old enough to be forgotten.
            BrinIndex(fields=["received_at"], name="crmsync_inbox_received"),
        ]

    def __str__(self) -> str:
        return self.remote_id


class Hint(models.Model):
    """A webhook's word that a record has changed; the record itself is read afterwards, never the webhook."""

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.CASCADE, related_name="hints")
    dedupe_key = models.CharField(max_length=64)
    remote_id = models.CharField(max_length=120)
    change = models.CharField(max_length=60, blank=True)
    received_at = models.DateTimeField()
    not_before = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "dedupe_key"], name="crmsync_hint_dedupe")]
        indexes = [
            models.Index(fields=["connection", "not_before"], condition=Q(done_at=None), name="crmsync_hint_open"),
        ]

    def __str__(self) -> str:
        return self.remote_id


class Cursor(models.Model):
    """How far one kind of record of one connection has been read, in the CRM's clock."""

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.CASCADE, related_name="cursors")
    kind = models.CharField(max_length=20)
    position = models.DateTimeField()
    # A window that was not read to its end: where it goes on.
    lo = models.DateTimeField(null=True, blank=True)
    hi = models.DateTimeField(null=True, blank=True)
    token = models.CharField(max_length=200, blank=True)
    moved_at = models.DateTimeField()
    full_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it was last begun to be read from the beginning.")
    )
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="crmsync_cursor_unique")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.position:%Y-%m-%d %H:%M:%S}"
