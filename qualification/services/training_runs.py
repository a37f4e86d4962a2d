"""Trainings as runs: asked for or due, each in a process of its own with a bound on its memory, told by the row."""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import User
from qualification.models import Outcome, PredictionModel, TrainingRun

JOB = "qualification.tasks.train"
Kind, State = TrainingRun.Kind, TrainingRun.State
EVERY = timedelta(days=7)
WATCHED_EVERY = timedelta(days=1)
FAILED_AGAIN = timedelta(days=1)
# Less than this since the last training teaches nothing.
LEAST_NEW = 20
LOST_AFTER = timedelta(minutes=10)
MANAGE = Path(settings.BASE_DIR) / "manage.py"


def begin_run(
    kind: str, *, by: User | None = None, at: datetime | None = None, in_background: bool = True
) -> TrainingRun:
    """Have a model trained, or the present ones looked at; the run that goes on already is taken where there is one."""
    at = at or now()
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(kind=kind, asked_at=at, asked_by=by, heard_at=at)
            if in_background:
                enqueue(JOB, run.pk)
    except IntegrityError:
        return TrainingRun.objects.filter(state=State.RUNNING).get()
    return run


def start_process(run_id: int) -> str:
    """Job: begin the process that works a run off. It outlasts the job, and dies with the worker."""
    if not TrainingRun.objects.filter(pk=run_id, state=State.RUNNING).update(heard_at=now()):
        return "ended already"
    words = [sys.executable, str(MANAGE), "train_scoring", "--run", str(run_id)]
    # What it has to say is on the run.
    subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return "begun"


def runs_due(at: datetime) -> int:
    """Clock: train once a week where there is something new to learn from, look for drift once a day, and say of a run
    that is not heard of any more that it was lost."""
    lost = TrainingRun.objects.filter(state=State.RUNNING, heard_at__lt=at - LOST_AFTER)
    gone = lost.update(
        state=State.FAILED, ended_at=at, error=_("The process was lost. If it happens again, raise SCORING_MEMORY_MB.")
    )
    if TrainingRun.objects.filter(state=State.RUNNING).exists():
        return gone
    if _is_training_due(at):
        begin_run(Kind.TRAIN, at=at)
        return gone + 1
    there = PredictionModel.objects.exclude(status=PredictionModel.Status.ARCHIVED)
    looked = TrainingRun.objects.filter(kind=Kind.WATCH).first()
    if there.exists() and (looked is None or looked.asked_at <= at - WATCHED_EVERY):
        begin_run(Kind.WATCH, at=at)
        return gone + 1
    return gone


def _is_training_due(at: datetime) -> bool:
    trainings = TrainingRun.objects.filter(kind=Kind.TRAIN)
    # One that failed is tried again the next day.
    if trainings.filter(asked_at__gt=at - FAILED_AGAIN).exists():
        return False
    last = trainings.exclude(state=State.FAILED).first()
    if last is not None and last.asked_at > at - EVERY:
        return False
    newest = Outcome.objects.order_by("-at")
    if last is not None:
        newest = newest.filter(at__gt=last.asked_at)
    return newest[:LEAST_NEW].count() >= LEAST_NEW


def newest_training() -> TrainingRun | None:
    """The last training, for the page."""
    return TrainingRun.objects.filter(kind=Kind.TRAIN).select_related("model").defer("model__body").first()
