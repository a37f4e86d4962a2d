"""Trainings as runs: due, told by their row, in a process of their own with a bound on its memory."""

import json
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from leadmgmt.core.now import moment, now
from qualification.models import PredictionModel, ScoringModel, TrainingRun
from qualification.services import training_runs
from qualification.services.train import run_training
from tests.factories import make_user
from tests.qualification.learned_cast import BEGIN, past, trained
from tests.worker import ROOT, surroundings

pytestmark = pytest.mark.django_db
Kind, State = TrainingRun.Kind, TrainingRun.State


@pytest.fixture
def scoring(db: None) -> ScoringModel:
    return ScoringModel.objects.create(version=1, status="published", rules=[])


class TestRuns:
    def test_too_few_outcomes_are_said(self, scoring: ScoringModel) -> None:
        past(scoring, count=30)
        run = run_training(training_runs.begin_run(Kind.TRAIN, in_background=False))

        assert run.state == State.TOO_FEW
        assert 0 < run.wins < 40
        assert not PredictionModel.objects.exists()

    def test_what_goes_wrong_stands_on_the_run(self, scoring: ScoringModel, monkeypatch: pytest.MonkeyPatch) -> None:
        past(scoring)

        def fail(*args: Any) -> None:
            raise ValueError("the disk is full")

        monkeypatch.setattr("qualification.services.train.train", fail)
        run = run_training(training_runs.begin_run(Kind.TRAIN, in_background=False))

        assert (run.state, run.error) == (State.FAILED, "ValueError: the disk is full")

    def test_one_run_at_a_time(self, scoring: ScoringModel) -> None:
        first = training_runs.begin_run(Kind.TRAIN, by=make_user("admin"))

        assert training_runs.begin_run(Kind.WATCH) == first

    def test_it_is_due_once_a_week_and_only_where_there_is_something_new(self, scoring: ScoringModel) -> None:
        assert training_runs.runs_due(BEGIN) == 0
        past(scoring, count=25)
        at = BEGIN + timedelta(days=30)

        assert training_runs.runs_due(at) == 1
        assert training_runs.runs_due(at) == 0
        TrainingRun.objects.update(state=State.FAILED)
        assert training_runs.runs_due(at + timedelta(hours=23)) == 0
        assert training_runs.runs_due(at + timedelta(hours=25)) == 1
        TrainingRun.objects.filter(asked_at__gt=at).delete()
        TrainingRun.objects.update(state=State.DONE)
        assert training_runs.runs_due(at + timedelta(days=6)) == 0
        assert training_runs.runs_due(at + timedelta(days=8)) == 0
        past(scoring, count=25, begin=at + timedelta(days=1))
        assert training_runs.runs_due(at + timedelta(days=8)) == 1

    def test_versions_are_looked_at_once_a_day(self, scoring: ScoringModel) -> None:
        trained(scoring)
        TrainingRun.objects.create(kind=Kind.TRAIN, state=State.DONE, asked_at=BEGIN + timedelta(days=60))
        at = BEGIN + timedelta(days=60, hours=1)

        assert training_runs.runs_due(at) == 1
        assert TrainingRun.objects.get(state=State.RUNNING).kind == Kind.WATCH
        TrainingRun.objects.update(state=State.DONE)
        assert training_runs.runs_due(at + timedelta(hours=23)) == 0
        assert training_runs.runs_due(at + timedelta(hours=24)) == 1

    def test_a_run_whose_process_is_gone_is_said_to_be_lost(self, scoring: ScoringModel) -> None:
        run = training_runs.begin_run(Kind.TRAIN, at=BEGIN)

        training_runs.runs_due(BEGIN + timedelta(minutes=11))

        run.refresh_from_db()
        assert run.state == State.FAILED
        assert "lost" in run.error

    def test_the_command_does_not_meddle_with_one_that_goes_on(
        self, scoring: ScoringModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("resource.setrlimit", lambda *args: None)
        training_runs.begin_run(Kind.WATCH)

        with pytest.raises(CommandError, match="goes on already"):
            call_command("train_scoring")

    def test_the_command_trains_and_tells(self, scoring: ScoringModel, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("resource.setrlimit", lambda *args: None)
        past(scoring)
        out = StringIO()
        with moment(BEGIN + timedelta(days=60)):
            call_command("train_scoring", "--json", stdout=out)

        told = json.loads(out.getvalue())
        assert told["state"] == "done"
        assert told["version"] == PredictionModel.objects.get().version
        assert 0.5 < told["quality"]["auc"]["value"] < 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTheProcess:
    def test_it_works_a_run_off(self) -> None:
        scoring = ScoringModel.objects.create(version=1, status="published", rules=[])
        past(scoring)
        run = TrainingRun.objects.create(kind=Kind.TRAIN, asked_at=now(), heard_at=now())

        self.process(run)

        run.refresh_from_db()
        assert (run.state, run.error) == (State.DONE, "")
        assert run.model == PredictionModel.objects.get(status="shadow")

    def test_it_ends_with_a_message_where_memory_is_too_small(self) -> None:
        scoring = ScoringModel.objects.create(version=1, status="published", rules=[])
        past(scoring)
        run = TrainingRun.objects.create(kind=Kind.TRAIN, asked_at=now(), heard_at=now())

        self.process(run, SCORING_MEMORY_MB="50")

        run.refresh_from_db()
        assert run.state == State.FAILED
        assert "SCORING_MEMORY_MB" in run.error

    def process(self, run: TrainingRun, **more: str) -> None:
        words = [sys.executable, str(ROOT / "manage.py"), "train_scoring", "--run", str(run.pk)]
        subprocess.run(words, env=surroundings() | more, cwd=ROOT, capture_output=True, timeout=120)
