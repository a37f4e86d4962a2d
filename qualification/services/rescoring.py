"""Scoring every open lead anew after a model was published: a job that goes on where it stopped."""

import time
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Mod

from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import Lead
from qualification.models import Criteria, RescoreLane, RescoreRun, ScoringModel
from qualification.services.apply_criteria import begin_applying
from qualification.services.criteria import published
from qualification.services.score import Rescored, score_locked

JOB = "qualification.tasks.rescore"
State = RescoreRun.State
# A job works for a spell, then makes room for others.
SPELL_SECONDS = 8.0
AT_ONCE = 4000
# Each lane's transactions write one row in so many: the new version of a row finds room on the page of the old one,
# and no index is written (the leads' table keeps pages partly free for that).
LANES = 8
JOBS = 2
LOST_AFTER = timedelta(minutes=2)


def begin_rescoring(model: ScoringModel, at: datetime) -> RescoreRun:
    """Have all open leads scored by this model; a run of an older one that still goes on is stopped."""
    with transaction.atomic():
        RescoreRun.objects.filter(state=State.RUNNING).update(state=State.STOPPED, ended_at=at)
        total = Lead.objects.open().count()
        try:
            with transaction.atomic():
                run = RescoreRun.objects.create(model=model, total=total, asked_at=at, heard_at=at)
        except IntegrityError:
            # Of two who published at the same moment the other one's run goes on.
            return RescoreRun.objects.filter(state=State.RUNNING).get()
        RescoreLane.objects.bulk_create(RescoreLane(run=run, remainder=number) for number in range(LANES))
        for _job in range(JOBS if total > AT_ONCE else 1):
            enqueue(JOB, run.pk)
        return run


def rescore_spell(run_id: int) -> str:
    """Job: score for a spell, then hand on to the next. Safe to run twice: a lane is worked under its lock, each lead
    under its own, and a score that says the same is not kept again."""
    until = time.monotonic() + SPELL_SECONDS
    while _next_block(run_id):
        if time.monotonic() >= until:
            enqueue(JOB, run_id)
            break
    # Without a lane that is free there is nothing left for this job: whoever holds one goes on with it, and the clock
    # nudges where they are lost.
    run = _closed_when_over(run_id)
    return f"{run.done} of {run.total}" if run.state == State.RUNNING else str(run.state)


def _next_block(run_id: int) -> bool:
    """Score the next leads of a lane that nobody else works on; False if there is none."""
    with transaction.atomic():
        lanes = RescoreLane.objects.select_for_update(of=("self",), skip_locked=True)
        lane = lanes.filter(run=run_id, run__state=State.RUNNING, is_done=False).order_by("remainder").first()
        if lane is None:
            return False
        left = Lead.objects.open().alias(remainder=Mod("pk", LANES)).filter(remainder=lane.remainder)
        locked = left.filter(pk__gt=lane.after).select_for_update(of=("self",), no_key=True).order_by("pk")
        ids = list(locked.values_list("pk", flat=True)[:AT_ONCE])
        rescored = score_locked(ids, now()) if ids else Rescored()
        lane.after, lane.is_done = (ids[-1] if ids else lane.after), len(ids) < AT_ONCE
        lane.save(update_fields=["after", "is_done"])
        # Last, as the other jobs wait for this row.
        going_on = RescoreRun.objects.filter(pk=run_id, state=State.RUNNING)
        going_on.update(done=F("done") + len(ids), moved=F("moved") + rescored.moved, heard_at=now())
    return True


def _closed_when_over(run_id: int) -> RescoreRun:
    """Close a run whose lanes are all done, once; new leads that meet the criteria by their new score move on."""
    with transaction.atomic():
        run = RescoreRun.objects.select_for_update().get(pk=run_id)
        if run.state != State.RUNNING or run.lanes.filter(is_done=False).exists():
            return run
        run.state, run.ended_at = State.DONE, now()
        run.save(update_fields=["state", "ended_at"])
        criteria = published(Criteria.Kind.MQL)
        if criteria is not None:
            begin_applying(criteria)
        return run


def nudge_rescoring(at: datetime) -> int:
    """Clock: go on with a run whose worker was lost."""
    lost = RescoreRun.objects.filter(state=State.RUNNING, heard_at__lt=at - LOST_AFTER)
    found = list(lost.values_list("pk", flat=True))
    lost.update(heard_at=at)
    for pk in found:
        enqueue(JOB, pk)
    return len(found)


def newest_rescoring() -> RescoreRun | None:
    """The last one, for its progress."""
    return RescoreRun.objects.select_related("model").first()
