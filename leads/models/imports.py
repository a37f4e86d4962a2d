"""Files brought in."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """One file through one channel: what was created, joined, unchanged and refused."""

    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="import_runs")
    file_name = models.CharField(_("file"), max_length=255)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mapping = models.JSONField(_("mapping"), default=dict)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    created = models.PositiveIntegerField(_("created"), default=0)
    joined = models.PositiveIntegerField(_("joined"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return self.file_name


class ImportRow(models.Model):
    """A refused row, with the reason; the others are captures."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="refused_rows")
    line = models.PositiveIntegerField(_("line in the file"))
    cells = models.JSONField(_("cells"))
    field = models.CharField(_("field"), max_length=120, blank=True)
    reason = models.TextField(_("reason"))

    class Meta:
        ordering = ["line"]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"
