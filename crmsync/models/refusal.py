"""Webhooks that were refused: how many, why, and when last; nothing of what they said."""

from django.db import models


class HookRefusal(models.Model):
    """One reason for which webhooks of one connection were refused, counted."""

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.CASCADE, related_name="refusals")
    why = models.CharField(max_length=40)
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "why"], name="crmsync_refusal_unique")]

    def __str__(self) -> str:
        return f"{self.connection}: {self.why}"
