"""Scoring every open lead anew after a model was published: a job that goes on where it stopped."""

import time
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import Lead
from qualification.models import RescoreRun, ScoringModel
from qualification.services.apply_criteria import apply_to
from qualification.services.score import score_anew

JOB = "qualification.tasks.rescore"
State = RescoreRun.State
# A job works for a spell, then makes room for others.
SPELL_SECONDS = 8.0
AT_ONCE = 500
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
        enqueue(JOB, run.pk)
        return run


def rescore_spell(run_id: int) -> str:
    """Job: score for a spell, then hand on to the next. Safe to run twice: each lead is scored under its lock, and a
    score that says the same is not kept again."""
    until = time.monotonic() + SPELL_SECONDS
    run = RescoreRun.objects.select_related("model").get(pk=run_id)
    while run.state == State.RUNNING and time.monotonic() < until:
        ids = list(Lead.objects.open().filter(pk__gt=run.after).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            RescoreRun.objects.filter(pk=run_id, state=State.RUNNING).update(state=State.DONE, ended_at=now())
            return "done"
        rescored = score_anew(ids, now())
        apply_to(rescored.may_move)
        # Where two jobs of one run met, the one that is behind changes nothing.
        ahead = RescoreRun.objects.filter(pk=run_id, after__lt=ids[-1])
        ahead.update(after=ids[-1], done=F("done") + len(ids), moved=F("moved") + rescored.moved, heard_at=now())
        run.refresh_from_db()
    if run.state == State.RUNNING:
        enqueue(JOB, run_id)
    return f"{run.done} of {run.total}"


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
