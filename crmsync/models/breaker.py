"""What is known of how one direction of a connection is doing."""

from django.db import models


class Breaker(models.Model):
    """Failures of late in one direction. Reads and writes fail, rest and come back each on their own.

    The row counts only from a failure on; while all is well nothing writes to it.
    """

    class Scope(models.TextChoices):
        """The direction."""

        READS = "reads"
        WRITES = "writes"

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.CASCADE, related_name="breakers")
    scope = models.CharField(max_length=6, choices=Scope)
    # Since the last answer.
    in_a_row = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    # Within the window that began with a failure; empty while nothing has failed of late.
    window_at = models.DateTimeField(null=True, blank=True)
    calls = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    # Set while it is open; in the past: one worker may try.
    open_until = models.DateTimeField(null=True, blank=True)
    trials = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "scope"], name="crmsync_breaker_unique"),
            models.CheckConstraint(condition=models.Q(failures__lte=models.F("calls")), name="crmsync_breaker_counts"),
            models.CheckConstraint(
                condition=models.Q(window_at__isnull=False)
                | models.Q(in_a_row=0, calls=0, open_until__isnull=True, failing_since__isnull=True),
                name="crmsync_breaker_is_calm_or_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.scope}"
