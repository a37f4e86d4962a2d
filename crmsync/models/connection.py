"""A configured CRM, and how its words map onto ours."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Connection(models.Model):
    """One CRM account. `adapter` names the file in crmsync/adapters that speaks to it."""

    class Mode(models.TextChoices):
        """Which directions run."""

        OFF = "off", _("Off")
        DRY_RUN = "dry_run", _("Dry run")
        PULL_ONLY = "pull_only", _("Pull only")
        PUSH_ONLY = "push_only", _("Push only")
        BOTH = "both", _("Both directions")

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    adapter = models.CharField(_("adapter"), max_length=40, default="local")
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.BOTH)
    config = models.JSONField(_("configuration"), default=dict, blank=True)
    secret = models.TextField(_("credentials, encrypted"), blank=True, editable=False)
    # A person or a new day is needed; what does not answer rests by its `Breaker`.
    parked_until = models.DateTimeField(null=True, blank=True, editable=False)
    parked_since = models.DateTimeField(null=True, blank=True, editable=False)
    last_push_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_pull_at = models.DateTimeField(null=True, blank=True, editable=False)
    canary_left = models.PositiveSmallIntegerField(
        null=True, blank=True, editable=False, help_text=_("New deals that may still be made there; empty: any number.")
    )
    schema = models.JSONField(
        default=dict, blank=True, editable=False, help_text=_("What the CRM said of itself last.")
    )
    schema_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_fields = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text=_("Our field → why it rests: the CRM's field is not as it was."),
    )
    last_error = models.TextField(blank=True, editable=False)
    skew_seconds = models.FloatField(
        null=True, blank=True, editable=False, help_text=_("How far the CRM's clock is ahead of ours.")
    )

    # What the CRM tells of its limits with its answers.
    quota_left = models.PositiveIntegerField(null=True, blank=True, editable=False)
    quota_most = models.PositiveIntegerField(null=True, blank=True, editable=False)
    quota_at = models.DateTimeField(null=True, blank=True, editable=False)
    told_rate = models.FloatField(null=True, blank=True, editable=False, help_text=_("Calls a second."))
    poll_calls = models.PositiveSmallIntegerField(default=0, editable=False, help_text=_("What the last poll cost."))
    is_filling = models.BooleanField(
        default=True, editable=False, help_text=_("Whether deals that were there before are being sent.")
    )

    def __str__(self) -> str:
        return self.name


class DryRun(models.Model):
    """What a connection would write if it were on: looked at before it is."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="dry_runs")
    begun_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField(default=0)
    rows = models.JSONField(default=list)
    error = models.TextField(blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.connection} {self.begun_at:%Y-%m-%d %H:%M}"


class ReconcileRun(models.Model):
    """Both sides compared record by record: what was found, and what was mended."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="reconcile_runs")
    begun_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    remote = models.PositiveIntegerField(default=0)
    links = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    samples = models.JSONField(default=dict)
    mended = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.connection} {self.begun_at:%Y-%m-%d %H:%M}"


class Session(models.Model):
    """The token in force of one connection, shared by all workers; whoever renews it holds this row's lock."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="session")
    sealed = models.TextField(blank=True)
    # Renewed before the CRM would refuse it; empty where it does not say how long a token lives.
    stale_at = models.DateTimeField(null=True, blank=True)
    renewed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.connection)


class RateBucket(models.Model):
    """How many calls of one kind may go now, and how fast it fills; shared by all workers."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="buckets")
    scope = models.CharField(max_length=20)
    rate = models.FloatField(help_text=_("Calls a second."))
    tokens = models.FloatField()
    refilled_at = models.DateTimeField()
    complained_at = models.DateTimeField(null=True, blank=True)
    # Since the rate was judged last.
    judged_at = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)
    complaints = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "scope"], name="crmsync_bucket_unique"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="crmsync_bucket_fills"),
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.scope}"


class StageMap(models.Model):
    """A stage of the CRM and what it means to us. An unmapped stage holds the record; nothing is guessed."""

    class Meaning(models.TextChoices):
        """Our three."""

        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="stages")
    remote = models.CharField(_("stage in the CRM"), max_length=120)
    label = models.CharField(_("label"), max_length=120, blank=True)
    meaning = models.CharField(_("means"), max_length=5, choices=Meaning)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_outbound_default = models.BooleanField(_("new deals start here"), default=False)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["connection", "remote"], name="crmsync_stagemap_unique")]

    def __str__(self) -> str:
        return self.label or self.remote


class LossReasonMap(models.Model):
    """A loss reason of the CRM and ours."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="loss_reasons")
    remote = models.CharField(_("reason in the CRM"), max_length=255)
    reason = models.ForeignKey("leads.Reason", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "remote"], name="crmsync_lossreasonmap_unique")]

    def __str__(self) -> str:
        return self.remote
