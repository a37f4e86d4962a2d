"""Versioned routing configuration."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RuleSet(models.Model):
    """One version of the rules: a draft is edited, the published one decides, archived ones explain the past.

    A canary decides about a share of the leads beside the published one (routing/services/canary.py).
    """

    class Status(models.TextChoices):
        """Where the version stands."""

        DRAFT = "draft", _("Draft")
        CANARY = "canary", _("Tried on a share of leads")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    version = models.PositiveIntegerField(_("version"), unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    note = models.CharField(_("what changed"), max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    archived_at = models.DateTimeField(null=True, blank=True)
    canary_share = models.PositiveSmallIntegerField(_("share of leads in per cent"), null=True, blank=True)
    canary_since = models.DateTimeField(_("tried since"), null=True, blank=True)
    # How often the guard has looked.
    canary_looks = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="routing_ruleset_one_published"
            ),
            models.UniqueConstraint(fields=["status"], condition=Q(status="draft"), name="routing_ruleset_one_draft"),
            models.UniqueConstraint(fields=["status"], condition=Q(status="canary"), name="routing_ruleset_one_canary"),
            models.CheckConstraint(
                condition=~Q(status="canary")
                | Q(canary_share__gte=1, canary_share__lte=50, canary_since__isnull=False),
                name="routing_ruleset_canary_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


class Rule(models.Model):
    """One condition with one destination. The first rule whose condition holds decides."""

    class Destination(models.TextChoices):
        """Where a matching lead goes."""

        POOL = "pool", _("Pool")
        REP = "rep", _("One rep")
        ACCOUNT_OWNER = "account_owner", _("Owner of the account")
        WAITING = "waiting", _("Waiting room")
        DISQUALIFY = "disqualify", _("Disqualify")

    rule_set = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=120)
    condition = models.JSONField(_("condition"), default=dict, blank=True)
    destination = models.CharField(_("destination"), max_length=14, choices=Destination)
    pool = models.ForeignKey("routing.Pool", on_delete=models.PROTECT, null=True, blank=True, related_name="rules")
    rep = models.ForeignKey("routing.Rep", on_delete=models.PROTECT, null=True, blank=True, related_name="rules")
    reason = models.ForeignKey("leads.Reason", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sla_policy = models.ForeignKey(
        "routing.SlaPolicy", on_delete=models.PROTECT, null=True, blank=True, related_name="rules"
    )
    # What a rep must or should be for these leads: [{"rep": "languages", "fact": "contact.language", "must": true}].
    wants = models.JSONField(_("wants"), default=list, blank=True)
    fallback_pool = models.ForeignKey(
        "routing.Pool", on_delete=models.PROTECT, null=True, blank=True, related_name="fallback_rules"
    )
    cover = models.ForeignKey(
        "routing.Rep", on_delete=models.PROTECT, null=True, blank=True, related_name="cover_rules"
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule_set", "position"],
                name="routing_rule_position_unique",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(destination="pool", pool__isnull=False)
                | Q(destination="rep", rep__isnull=False)
                | Q(destination="disqualify", reason__isnull=False)
                | Q(destination="account_owner", pool__isnull=False)
                | Q(destination="waiting"),
                name="routing_rule_destination_complete",
            ),
        ]

    def __str__(self) -> str:
        return self.name
