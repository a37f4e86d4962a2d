"""The chance to be won, by the model that predicts or by what became of earlier leads of the grade."""

from dataclasses import dataclass
from typing import Any

from leads.configuration import Kept
from qualification.models import PredictionModel
from qualification.prediction.predictor import Estimate, Predictor
from qualification.services.chances import chance_of


@dataclass(frozen=True)
class Champion:
    """The version that predicts."""

    pk: int
    version: int
    predictor: Predictor


@dataclass(frozen=True)
class Predicted:
    """A chance, and the version that gave it; None where it was counted by grade."""

    estimate: Estimate | None
    model_id: int | None

    @property
    def mean(self) -> float | None:
        """The chance alone."""
        return self.estimate.mean if self.estimate else None


def _load() -> Champion | None:
    row = PredictionModel.objects.filter(status=PredictionModel.Status.PUBLISHED).first()
    return Champion(row.pk, row.version, Predictor(row.body)) if row else None


champion = Kept(_load, "qualification_predictionmodel")


def predict(facts: dict[str, Any], grade: str) -> Predicted:
    """The chance of a lead with these facts: by the model that predicts; until there is one, by what became of earlier
    leads of the grade, drawn to the overall rate; without enough of those, none."""
    best = champion()
    if best is not None:
        return Predicted(best.predictor.estimate(facts), best.pk)
    counted = chance_of(grade)
    return Predicted(Estimate(counted.mean, counted.low, counted.high) if counted else None, None)
