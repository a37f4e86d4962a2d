"""Replays as jobs: asked for, worked off with their progress, and asked for before a draft is published."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import User
from routing.models import Certificate, ReplayRun, RuleSet
from routing.replay.run import replay
from routing.services.seen import draft_mark

log = logging.getLogger(__name__)

JOB = "routing.tasks.run_replay"
DAYS = (7, 30, 90)
USUAL_DAYS = 30
State = ReplayRun.State
# A run that has not been heard of for so long has lost its worker.
LOST_AFTER = timedelta(minutes=2)


class NotReplayed(DomainError):
    """A draft has to be replayed before it decides."""

    code = "not_replayed"


def ask_replay(rule_set_id: int, *, by: User | None, days: int = USUAL_DAYS, at: datetime | None = None) -> ReplayRun:
    """Have the version replayed over the last days. One that runs already for the same words is not begun twice."""
    at = at or now()
    days = days if days in DAYS else USUAL_DAYS
    with transaction.atomic():
        rule_set = RuleSet.objects.select_for_update().get(pk=rule_set_id)
        mark = draft_mark(rule_set)
        running = ReplayRun.objects.filter(
            rule_set=rule_set, mark=mark, state__in=[State.WAITING, State.RUNNING], until__gte=at - timedelta(hours=1)
        ).first()
        if running is not None:
            return running
        run = ReplayRun.objects.create(
            rule_set=rule_set, mark=mark, since=at - timedelta(days=days), until=at, asked_at=at, asked_by=by
        )
        enqueue(JOB, run.pk)
    return run


def run_replay(run_id: int) -> str:
    """Job: replay and keep the report. Safe to run twice: the row is claimed, and a replay changes nothing else."""
    waiting = ReplayRun.objects.filter(pk=run_id, state=State.WAITING)
    if not waiting.update(state=State.RUNNING, heard_at=now()):
        return "nothing to replay"
    run = ReplayRun.objects.select_related("rule_set").get(pk=run_id)

    def progress(done: int, total: int) -> None:
        ReplayRun.objects.filter(pk=run_id).update(done=done, total=total, heard_at=now())

    try:
        report = replay(run.rule_set, run.since, run.until, progress)
    except Exception as error:
        log.exception("replay %s failed", run_id)
        ReplayRun.objects.filter(pk=run_id).update(
            state=State.FAILED, error=f"{type(error).__name__}: {error}"[:2000], ended_at=now()
        )
        return "failed"
    ReplayRun.objects.filter(pk=run_id, state=State.RUNNING).update(
        state=State.DONE,
        report=report.as_json(),
        done=report.decisions,
        total=report.decisions,
        error="",
        ended_at=now(),
    )
    return f"{report.decisions} replayed"


def nudge_replays(at: datetime) -> int:
    """Clock: begin again what lost its worker. Returns how many."""
    late = Q(heard_at__lt=at - LOST_AFTER) | Q(heard_at__isnull=True, asked_at__lt=at - LOST_AFTER)
    silent = ReplayRun.objects.filter(late, state__in=[State.WAITING, State.RUNNING])
    pks = list(silent.values_list("pk", flat=True))
    # Begun again now: until it is heard of, or has been silent for as long again, it is left alone.
    silent.filter(pk__in=pks).update(state=State.WAITING, heard_at=at)
    for pk in pks:
        enqueue(JOB, pk)
    return len(pks)


def newest_replay(rule_set: RuleSet | None) -> ReplayRun | None:
    """The last one that was asked for."""
    return ReplayRun.objects.filter(rule_set=rule_set).first() if rule_set else None


def expect_replayed(draft: RuleSet, at: datetime) -> None:
    """Raise NotReplayed unless what the draft says now was replayed, or there is nothing to replay."""
    since = at - timedelta(days=USUAL_DAYS)
    if not Certificate.objects.filter(decided_at__gte=since, decided_at__lte=at).exists():
        return
    replayed = ReplayRun.objects.filter(rule_set=draft, mark=draft_mark(draft), state=State.DONE)
    if not replayed.exists():
        raise NotReplayed(_("Replay the draft as it is now first: publishing asks for its report."))
