"""Files brought in."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """One file through one channel: what was created, joined, unchanged and refused."""

    class State(models.TextChoices):
        """How far it has come. Runs from the command line are done or failed at once."""

        UPLOADED = "uploaded", _("To be mapped")
        CHECKING = "checking", _("Being tried")
        CHECKED = "checked", _("Tried")
        RUNNING = "running", _("Running")
        CANCELED = "canceled", _("Stopped")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")

    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="import_runs")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DONE)
    options = models.JSONField(_("how it is read"), default=dict, blank=True, help_text=_("Sheet and separator."))
    headers = models.JSONField(_("columns"), default=list, blank=True)
    total = models.PositiveIntegerField(_("rows in the file"), null=True, blank=True)
    trial = models.JSONField(_("what the trial said"), null=True, blank=True)
    undo = models.JSONField(_("what the undo did"), null=True, blank=True)
    stop = models.BooleanField(_("is to stop"), default=False)
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


class ImportMapping(models.Model):
    """Which column was which the last time a file with these headers came in."""

    channel = models.ForeignKey("leads.Channel", on_delete=models.CASCADE, related_name="mappings")
    signature = models.CharField(max_length=64, help_text=_("Of the headers, whatever their order."))
    mapping = models.JSONField(_("mapping"))
    at = models.DateTimeField(_("last used"))

    class Meta:
        # One memory for each kind of file.
        constraints = [models.UniqueConstraint(fields=["channel", "signature"], name="leads_importmapping_unique")]

    def __str__(self) -> str:
        return self.signature[:12]


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
