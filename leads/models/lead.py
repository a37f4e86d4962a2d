"""One contact's interest, from first touch to outcome."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from leads.querysets import LeadQuerySet


class Stage(models.TextChoices):
    """The lifecycle. Machine progress (enriched, scored, routed) is a timestamp, never a stage."""

    NEW = "new", _("New")
    MQL = "mql", "MQL"
    SQL = "sql", "SQL"
    OPPORTUNITY = "opportunity", _("Opportunity")
    WON = "won", _("Won")
    RECYCLED = "recycled", _("Recycled")
    DISQUALIFIED = "disqualified", _("Disqualified")


OPEN_STAGES = (Stage.NEW, Stage.MQL, Stage.SQL, Stage.OPPORTUNITY)
WORKING_STAGES = (Stage.NEW, Stage.MQL, Stage.SQL)


class Lead(models.Model):
    """A stranger who showed interest. At most one open lead per contact; a new touch joins it.

    `stage` is moved by leads/lifecycle.py alone, `owner` by routing's assignment services alone.
    """

    contact = models.ForeignKey("leads.Contact", on_delete=models.PROTECT, related_name="leads")
    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="leads")
    source = models.ForeignKey("leads.Source", on_delete=models.PROTECT, null=True, blank=True, related_name="leads")
    campaign = models.ForeignKey(
        "leads.Campaign", on_delete=models.PROTECT, null=True, blank=True, related_name="leads"
    )
    subject = models.CharField(
        _("about"), max_length=200, blank=True, help_text=_("What was asked for last: demo, pricing, webinar.")
    )
    stage = FSMField(_("stage"), default=Stage.NEW, choices=Stage.choices, protected=True, max_length=12)
    stage_at = models.DateTimeField(_("in this stage since"))
    first_seen_at = models.DateTimeField(_("first touch"), help_text=_("For history brought in, in the past."))
    last_touch_at = models.DateTimeField(_("last touch of theirs"))
    captured_at = models.DateTimeField(
        _("captured"), help_text=_("When the open interest reached us: the SLA clock starts here.")
    )
    recorded_at = models.DateTimeField(auto_now_add=True)
    is_history = models.BooleanField(
        _("brought in as history"), default=False, help_text=_("Not routed, not notified; counted where it happened.")
    )
    owner = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="leads")
    team = models.ForeignKey("leads.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="leads")
    ae = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="handed_leads")
    owned_at = models.DateTimeField(null=True, blank=True)

    reason = models.ForeignKey("leads.Reason", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason_note = models.CharField(_("note on the reason"), max_length=500, blank=True)
    wake_at = models.DateTimeField(_("wake up"), null=True, blank=True)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)

    fit = models.PositiveSmallIntegerField(_("fit"), null=True, blank=True)
    engagement = models.PositiveSmallIntegerField(_("engagement"), null=True, blank=True)
    grade = models.CharField(_("grade"), max_length=2, blank=True)
    win_probability = models.FloatField(_("win probability"), null=True, blank=True)
    engagement_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the engagement, which fades, was last brought up to date.")
    )

    enrich_by = models.DateTimeField(
        null=True, blank=True, help_text=_("While providers are being asked: until when the score waits for them.")
    )
    enriched_at = models.DateTimeField(null=True, blank=True)
    scored_at = models.DateTimeField(null=True, blank=True)
    routed_at = models.DateTimeField(null=True, blank=True)
    notified_at = models.DateTimeField(null=True, blank=True)
    first_touched_at = models.DateTimeField(_("first human touch"), null=True, blank=True)
    last_activity_at = models.DateTimeField(_("last activity of ours"), null=True, blank=True)
    mql_at = models.DateTimeField(null=True, blank=True)
    sql_at = models.DateTimeField(null=True, blank=True)
    opportunity_at = models.DateTimeField(null=True, blank=True)
    won_at = models.DateTimeField(null=True, blank=True)

    objects = LeadQuerySet.as_manager()

    # What leads.facts keeps of a lead that somebody holds (`leads.facts.hold`).
    held: Any = None

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="leads_lead_stage_valid"),
            models.UniqueConstraint(
                fields=["contact"], condition=Q(stage__in=[*OPEN_STAGES]), name="leads_lead_one_open_per_contact"
            ),
            models.CheckConstraint(
                condition=Q(stage__in=["recycled", "disqualified"], reason__isnull=False)
                | ~Q(stage__in=["recycled", "disqualified"]),
                name="leads_lead_reason_given",
            ),
            models.CheckConstraint(
                condition=Q(fit__isnull=True) | Q(fit__lte=100, engagement__lte=100), name="leads_lead_score_range"
            ),
        ]
        indexes = [
            # The rep's queue.
            models.Index(
                fields=["owner", "stage"], condition=Q(stage__in=["new", "mql", "sql"]), name="leads_lead_queue"
            ),
            # Lists and reports by stage and time.
            models.Index(fields=["stage", "-last_touch_at"], name="leads_lead_stage_recent"),
            # The list as it opens.
            models.Index(fields=["-last_touch_at", "-id"], name="leads_lead_recent"),
            models.Index(fields=["first_seen_at"], name="leads_lead_first_seen"),
            models.Index(fields=["source", "first_seen_at"], name="leads_lead_source"),
            # Enrichment whose deadline has passed.
            models.Index(fields=["enrich_by"], condition=Q(enrich_by__isnull=False), name="leads_lead_enriching"),
            # Leads being worked whose engagement has faded since it was looked at.
            models.Index(
                fields=["engagement_at"],
                condition=Q(stage__in=["new", "mql", "sql"], engagement_at__isnull=False),
                name="leads_lead_fading",
            ),
            # Recycled leads that wake up.
            models.Index(
                fields=["wake_at"], condition=Q(stage="recycled", wake_at__isnull=False), name="leads_lead_waking"
            ),
        ]

    def __str__(self) -> str:
        return f"Lead {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether the interest is still alive: new, MQL, SQL or opportunity."""
        return self.stage in OPEN_STAGES

    @property
    def is_sent_back(self) -> bool:
        """Whether an AE refused the handoff and its SDR is to mend what was missing; ``reason`` says what."""
        return self.stage == Stage.MQL and self.reason_id is not None

    @property
    def asked_since(self) -> datetime:
        """From when on an answer counts as asked anew: when this interest began, or its handoff was refused."""
        return self.stage_at if self.is_sent_back else self.captured_at

    @property
    def is_working(self) -> bool:
        """Whether a rep still has to qualify it: new, MQL or SQL."""
        return self.stage in WORKING_STAGES

    # Transitions: fields only. Call them through leads.lifecycle.

    @transition(field=stage, source=[Stage.NEW, Stage.RECYCLED, Stage.DISQUALIFIED], target=Stage.MQL)
    def _to_mql(self) -> None: ...

    @transition(field=stage, source=[Stage.MQL], target=Stage.SQL)
    def _to_sql(self) -> None: ...

    @transition(field=stage, source=[Stage.SQL, Stage.WON, Stage.RECYCLED], target=Stage.OPPORTUNITY)
    def _to_opportunity(self) -> None: ...

    @transition(field=stage, source=[Stage.OPPORTUNITY], target=Stage.MQL)
    def _back_to_mql(self) -> None: ...

    @transition(field=stage, source=[Stage.WON, Stage.RECYCLED, Stage.MQL, Stage.SQL], target=Stage.OPPORTUNITY)
    def _again_to_opportunity(self) -> None: ...

    @transition(field=stage, source=[Stage.OPPORTUNITY], target=Stage.WON)
    def _to_won(self) -> None: ...

    @transition(
        field=stage, source=[Stage.NEW, Stage.MQL, Stage.SQL, Stage.OPPORTUNITY, Stage.WON], target=Stage.RECYCLED
    )
    def _to_recycled(self) -> None: ...

    @transition(field=stage, source=[Stage.NEW, Stage.MQL, Stage.SQL, Stage.RECYCLED], target=Stage.DISQUALIFIED)
    def _to_disqualified(self) -> None: ...

    @transition(field=stage, source=[Stage.RECYCLED, Stage.DISQUALIFIED], target=Stage.NEW)
    def _to_new(self) -> None: ...

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Read the row again, with the stage, which otherwise refuses to be set on a loaded lead."""
        if fields is None:
            deferred = self.get_deferred_fields()
            fields = [field.attname for field in self._meta.concrete_fields if field.attname not in deferred]
            self._prefetched_objects_cache: dict[str, Any] = {}
        if "stage" in fields:
            self.__dict__.pop("stage", None)
        super().refresh_from_db(using, fields, from_queryset)

    def clear_outcome(self) -> None:
        """Forget why the lead was closed, when it opens again."""
        self.reason, self.reason_note, self.wake_at = None, "", None

    def stamp(self, stage: str, at: Any) -> None:
        """Note when a stage was first reached."""
        name = f"{stage}_at"
        if stage in ("mql", "sql", "opportunity", "won") and getattr(self, name) is None:
            setattr(self, name, at)
