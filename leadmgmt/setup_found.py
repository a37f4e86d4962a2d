"""What the setup page reads, all of it at once: as many queries whatever there is, and whichever step is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from crmsync.models import Connection, InboxEvent, OutboxEntry, StageMap
from leadmgmt.core import queue
from leadmgmt.navigation import counted
from leads.models import (
    ApiKey,
    Capture,
    Channel,
    ChannelSilence,
    ConsentRequest,
    Lead,
    LeadEvent,
    Organisation,
    Source,
    SourceCost,
    User,
)
from qualification.models import Criteria, Outcome, OutgoingMail, PredictionModel, ScoringModel
from routing.models import Notification, PoolMember, Rep, Rule, RuleSet, Shift, SlaClock, SlaPolicy, WaitingLead

# The clock looks every second; what is due for longer was overlooked.
CLOCK_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Counts:
    """How many there are of each; `default_promises` and what follows `mails_sent` should be one and none."""

    aes: int
    sources: int
    priced_sources: int
    default_promises: int
    outcomes: int
    mails_sent: int
    mails_failed: int
    letters_failed: int
    learned_drifts: int
    confirmations_failed: int
    promises_overlooked: int
    steps_parked: int
    captures_failed: int
    leads_waiting: int
    changes_refused: int
    changes_unapplied: int


@dataclass(frozen=True)
class Rules:
    """The published version: how many rules are in use, and which of them give to a pool without anybody in it."""

    version: int
    count: int
    bare: list[str]


@dataclass(frozen=True)
class Far:
    """A connection that is switched on, and whether new deals have a stage to begin in."""

    connection: Connection
    has_first_stage: bool


@dataclass(frozen=True)
class Found:
    """All that the steps and the health are told from."""

    counts: Counts
    organisation: Organisation | None
    reps: list[str]
    reps_without_hours: list[str]
    channels: Sequence[Channel]
    channels_without_key: list[str]
    channels_silent: list[str]
    rules: Rules | None
    scoring: ScoringModel | None
    criteria: dict[str, Criteria]
    connections: list[Far]
    told: Lead | None
    queue: queue.QueueState


def look(user: User, at: datetime) -> Found:
    """Read everything."""
    with_hours = Exists(Shift.objects.filter(rep=OuterRef("pk")))
    reps = Rep.objects.filter(user__is_active=True).annotate(_hours=with_hours).select_related("user")
    has_key = Exists(ApiKey.objects.filter(channel=OuterRef("pk"), revoked_at__isnull=True))
    is_silent = Exists(ChannelSilence.objects.filter(channel=OuterRef("pk"), ended_at__isnull=True))
    channels = list(Channel.objects.filter(is_active=True).annotate(_key=has_key, _silent=is_silent))
    starts = Exists(StageMap.objects.filter(connection=OuterRef("pk"), is_outbound_default=True))
    connections = Connection.objects.exclude(mode=Connection.Mode.OFF).annotate(_starts=starts)
    told = Lead.objects.filter(is_history=False, notified_at__isnull=False).order_by("-captured_at")
    return Found(
        counts=_counts(user, at),
        organisation=Organisation.objects.first(),
        reps=[str(rep) for rep in reps],
        reps_without_hours=[str(rep) for rep in reps if not rep._hours],
        channels=channels,
        channels_without_key=[one.name for one in channels if one.kind == Channel.Kind.API and not one._key],
        channels_silent=[one.name for one in channels if one._silent],
        rules=_rules(),
        scoring=ScoringModel.objects.filter(status=ScoringModel.Status.PUBLISHED).first(),
        criteria={one.kind: one for one in Criteria.objects.filter(status="published").select_related("framework")},
        connections=[Far(one, one._starts) for one in connections],
        told=told.first(),
        queue=queue.state(),
    )


def _drifting() -> QuerySet[PredictionModel]:
    """The version that predicts, where its leads or its wins are no longer those it learned from."""
    alarm = Q(drift__alarms__gt=0) | Q(drift__more__called__gt=0) | Q(drift__fewer__called__gt=0)
    return PredictionModel.objects.filter(alarm, status=PredictionModel.Status.PUBLISHED)


def _counts(user: User, at: datetime) -> Counts:
    mails = Notification.objects.filter(way="email", status=Notification.Status.SENT)
    priced = Source.objects.filter(Exists(SourceCost.objects.filter(source=OuterRef("pk"))))
    running = SlaClock.objects.filter(stopped_at__isnull=True, breached_at__isnull=True)
    unapplied = InboxEvent.objects.filter(state__in=[InboxEvent.State.DEAD, InboxEvent.State.WAITING])
    found = User.objects.filter(pk=user.pk).values(
        aes=counted(User.objects.filter(is_active=True, groups__name="ae")),
        sources=counted(Source.objects.filter(is_active=True)),
        priced_sources=counted(priced),
        default_promises=counted(SlaPolicy.objects.filter(is_default=True)),
        outcomes=counted(Outcome.objects.all()),
        mails_sent=counted(mails),
        mails_failed=counted(Notification.objects.filter(status=Notification.Status.FAILED)),
        letters_failed=counted(OutgoingMail.objects.filter(status__in=["failed", "unsure"])),
        learned_drifts=counted(_drifting()),
        confirmations_failed=counted(ConsentRequest.objects.filter(status=ConsentRequest.Status.FAILED)),
        promises_overlooked=counted(running.filter(due_at__lt=at - CLOCK_LATE)),
        steps_parked=counted(LeadEvent.objects.filter(parked_at__isnull=False)),
        captures_failed=counted(Capture.objects.filter(status=Capture.Status.FAILED)),
        leads_waiting=counted(WaitingLead.objects.filter(left_at__isnull=True)),
        changes_refused=counted(OutboxEntry.objects.filter(state=OutboxEntry.State.DEAD)),
        changes_unapplied=counted(unapplied),
    )
    return Counts(**found.get())


def _rules() -> Rules | None:
    rules = Rule.objects.filter(rule_set=OuterRef("pk"), is_active=True)
    somebody = PoolMember.objects.filter(pool=OuterRef("pool"), left_at__isnull=True)
    bare = rules.filter(~Exists(somebody), destination=Rule.Destination.POOL).order_by("position")
    published = RuleSet.objects.filter(status=RuleSet.Status.PUBLISHED).annotate(
        _count=Count("rules", filter=Q(rules__is_active=True)), _bare=ArraySubquery(bare.values("name"))
    )
    one = published.first()
    return Rules(one.version, one._count, one._bare) if one else None
