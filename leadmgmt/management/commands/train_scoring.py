"""manage.py train_scoring: learn the chance to be won from what became of past leads."""

import json
import os
import resource
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from leadmgmt.core.now import now
from leadmgmt.core.processes import end_with_parent
from qualification.models import TrainingRun
from qualification.services.training_runs import begin_run

Kind, State = TrainingRun.Kind, TrainingRun.State
MEGABYTE = 1024 * 1024
# One thread is enough, and several would each take memory of their own; read when numpy is loaded.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Command(BaseCommand):
    """Trains in this process, with a hard bound on its memory (SCORING_MEMORY_MB)."""

    help = "Learn the chance to be won from past outcomes; the new version waits beside the one that predicts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names that are relied on from outside."""
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
        parser.add_argument("--run", type=int, metavar="N", help="work off a run that was asked for on the page")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train, or look for drift where the run says so."""
        os.environ |= {name: "1" for name in THREADS if name not in os.environ}
        bound = settings.SCORING_MEMORY_MB * MEGABYTE
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
        if options["run"]:
            end_with_parent(os.getppid())
            run = TrainingRun.objects.filter(pk=options["run"], state=State.RUNNING).first()
        elif TrainingRun.objects.filter(state=State.RUNNING).exists():
            raise CommandError("A training goes on already, or a look for drift. Try again in a minute.")
        else:
            run = begin_run(Kind.TRAIN, in_background=False)
        if run is None:
            raise CommandError("This run has ended already.")
        self._tell(self._work(run), as_json=options["json"])

    def _work(self, run: TrainingRun) -> TrainingRun:
        try:
            # Loaded here: only now is the bound in force, and it holds for these libraries too.
            from qualification.services.train import run_training
            from qualification.services.watching import run_watch
        except (MemoryError, ImportError) as error:
            run.state, run.ended_at = State.FAILED, now()
            run.error = f"{type(error).__name__}: {error}. SCORING_MEMORY_MB may be too small for the libraries."
            run.save(update_fields=["state", "ended_at", "error"])
            return run
        return run_watch(run) if run.kind == Kind.WATCH else run_training(run)

    def _tell(self, run: TrainingRun, *, as_json: bool) -> None:
        model = run.model
        told = {"state": run.state, "wins": run.wins, "others": run.others, "error": run.error}
        if model is not None:
            told |= {
                "version": model.version,
                "family": model.family,
                "horizon_days": model.horizon_days,
                "quality": {key: model.quality[key] for key in ("auc", "brier", "log_loss", "calibration_error")},
                "against_grade": model.quality["against_grade"],
                "refused": model.refused,
            }
        if as_json:
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        elif run.state == State.FAILED:
            raise CommandError(run.error)
        elif run.state == State.TOO_FEW:
            self.stdout.write(f"Not enough to learn from: {run.wins:,} wins and {run.others:,} other ends.")
        elif model is not None:
            auc = model.quality["auc"]
            self.stdout.write(
                f"Version {model.version} ({model.family}) learned from {model.examples:,} leads, {model.wins:,} won: "
                f"AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}), "
                f"{len(model.refused)} facts refused. It waits beside what predicts now."
            )
        else:
            self.stdout.write("Looked for drift.")
