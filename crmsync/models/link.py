"""Which local record is which remote one, what both last agreed on, and every decision about it."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Link(models.Model):
    """One opportunity and its one record in one CRM (CRM_CONTRACT I1: two unique constraints)."""

    class State(models.TextChoices):
        """How the two stand."""

        PENDING = "pending", _("Not there yet")
        LINKED = "linked", _("Linked")
        REMOTE_DELETED = "remote_deleted", _("Deleted in the CRM")
        MERGED = "merged", _("Merged in the CRM")
        QUARANTINED = "quarantined", _("Quarantined")

    # The record there is gone, another one, or in doubt: nothing is sent until somebody has decided.
    APART = (State.REMOTE_DELETED, State.MERGED, State.QUARANTINED)

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.PROTECT, related_name="links")
    opportunity = models.ForeignKey("crmsync.Opportunity", on_delete=models.PROTECT, related_name="links")
    external_key = models.CharField(max_length=200)
    remote_id = models.CharField(max_length=120, null=True, blank=True)
    remote_version = models.CharField(max_length=120, blank=True)
    remote_modified_at = models.DateTimeField(
        null=True, blank=True, help_text=_("In the CRM's clock; an older state of the record is not applied.")
    )
    shadow = models.JSONField(default=dict, blank=True)
    state = models.CharField(_("state"), max_length=14, choices=State, default=State.PENDING)
    is_associated = models.BooleanField(
        default=False, help_text=_("Whether company and person are tied to it there, where that takes a call.")
    )
    has_key = models.BooleanField(
        default=True, help_text=_("Whether the record there carries our key; one that was there before gets it.")
    )
    left_alone = models.JSONField(
        default=list, blank=True, help_text=_("Fields that said something before the deal was ours: never written.")
    )
    opt_outs = models.JSONField(
        default=list, blank=True, help_text=_("Who has said no to what, as far as the CRM was told.")
    )
    unsettled_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("An update whose answer was lost may still arrive there until then; no other one is sent before."),
    )
    unsettled_values = models.CharField(max_length=64, blank=True)
    unsettled_tries = models.PositiveSmallIntegerField(default=0)
    is_canary = models.BooleanField(default=False, help_text=_("One of the first few, made to be looked at."))
    merged_into = models.CharField(max_length=120, blank=True)
    apart_at = models.DateTimeField(null=True, blank=True, help_text=_("Since when it stands apart from its record."))
    apart_why = models.TextField(blank=True)
    kept_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When a person said that it stays apart: nothing is sent any more.")
    )
    synced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "opportunity"], name="crmsync_link_local_unique"),
            models.UniqueConstraint(fields=["connection", "remote_id"], name="crmsync_link_remote_unique"),
            models.UniqueConstraint(fields=["connection", "external_key"], name="crmsync_link_key_unique"),
            models.CheckConstraint(
                condition=Q(state__in=["remote_deleted", "merged", "quarantined"], apart_at__isnull=False)
                | Q(state__in=["pending", "linked"], apart_at__isnull=True, kept_at__isnull=True),
                name="crmsync_link_apart_since",
            ),
        ]
        indexes = [
            # Deals that stand apart, and those that another one was merged into.
            models.Index(
                fields=["connection", "merged_into"], condition=Q(apart_at__isnull=False), name="crmsync_link_apart"
            ),
        ]

    def __str__(self) -> str:
        return self.external_key


class Parent(models.Model):
    """A company or person and its one record in one CRM, made or found for the sake of a deal."""

    class Kind(models.TextChoices):
        """What it is."""

        COMPANY = "company", _("Company")
        CONTACT = "contact", _("Contact")

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.PROTECT, related_name="parents")
    kind = models.CharField(max_length=7, choices=Kind)
    company = models.ForeignKey("leads.Company", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    contact = models.ForeignKey("leads.Contact", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    external_key = models.CharField(max_length=200)
    remote_id = models.CharField(max_length=120, null=True, blank=True)
    # Before the first answer: when the CRM may have heard of it.
    sent_at = models.DateTimeField(null=True, blank=True)
    is_forced = models.BooleanField(
        default=False, help_text=_("A person wants a record of its own, whatever is there.")
    )
    is_ours = models.BooleanField(default=False, help_text=_("Made by us, not found there."))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "company"], condition=Q(kind="company"), name="crmsync_parent_company_unique"
            ),
            models.UniqueConstraint(
                fields=["connection", "contact"], condition=Q(kind="contact"), name="crmsync_parent_contact_unique"
            ),
            models.UniqueConstraint(fields=["connection", "kind", "external_key"], name="crmsync_parent_key_unique"),
            models.CheckConstraint(
                condition=Q(kind="company", company__isnull=False, contact__isnull=True)
                | Q(kind="contact", contact__isnull=False, company__isnull=True),
                name="crmsync_parent_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.external_key


class Conflict(models.Model):
    """A value that lost a merge, kept for one-click restore."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="conflicts")
    field = models.CharField(max_length=60)
    ours = models.JSONField(null=True)
    theirs = models.JSONField(null=True)
    rule = models.CharField(max_length=40)
    at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.field


class AuditRow(models.Model):
    """Every accepted, rejected or suppressed change: who, what, when, old, new, and the rule that decided (I9)."""

    connection = models.ForeignKey("crmsync.Connection", on_delete=models.PROTECT, related_name="audit")
    link = models.ForeignKey(Link, on_delete=models.SET_NULL, null=True, blank=True, related_name="audit")
    at = models.DateTimeField()
    direction = models.CharField(max_length=4, choices=[("push", "push"), ("pull", "pull")])
    verdict = models.CharField(max_length=12, help_text=_("applied, rejected, suppressed, held"))
    rule = models.CharField(max_length=60)
    changes = models.JSONField(default=dict)
    actor = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["link", "-at"], name="crmsync_audit_link"),
            # Reports and figures of a period.
            BrinIndex(fields=["at"], name="crmsync_audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.verdict}"
