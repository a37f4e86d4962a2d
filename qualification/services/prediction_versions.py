"""Versions of the learned chance: published by a person, never by themselves."""

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads.models import User
from qualification.models import PredictionModel, ScoringModel
from qualification.services.rescoring import begin_rescoring

Status = PredictionModel.Status


class WorseModel(DomainError):
    """This model does worse than the one that predicts; whoever wants it all the same has to say so."""

    code = "worse_model"


def publish_prediction(model_id: int, *, by: User | None, although_worse: bool = False) -> PredictionModel:
    """Have this version predict from now on, and score every open lead anew. Raises WorseModel for one that surely does
    worse than what predicts now, unless ``although_worse``."""
    with transaction.atomic():
        rows = {row.pk: row for row in PredictionModel.objects.select_for_update().defer("body").order_by("pk")}
        chosen = rows.get(model_id)
        if chosen is None or chosen.status == Status.PUBLISHED:
            raise DomainError(_("This version predicts already, or is gone."))
        if is_worse(chosen) and not although_worse:
            raise WorseModel(_("This version does worse than what predicts now. Confirm that you want it."))
        PredictionModel.objects.filter(status=Status.PUBLISHED).update(status=Status.ARCHIVED)
        chosen.status, chosen.published_at, chosen.published_by = Status.PUBLISHED, now(), by
        chosen.trial = {}
        chosen.save(update_fields=["status", "published_at", "published_by", "trial"])
        _score_anew()
    return chosen


def withdraw_prediction(model_id: int) -> None:
    """Stop predicting by this version; chances are counted by grade again."""
    with transaction.atomic():
        changed = PredictionModel.objects.filter(pk=model_id, status=Status.PUBLISHED).update(status=Status.ARCHIVED)
        if changed:
            _score_anew()


def _score_anew() -> None:
    scoring = ScoringModel.objects.filter(status=ScoringModel.Status.PUBLISHED).first()
    if scoring is not None:
        begin_rescoring(scoring, now())


def is_worse(model: PredictionModel) -> bool:
    """Whether it surely does worse than what predicts now: beside the champion on new outcomes, or, where it is the
    first one, than the chance by grade."""
    gain = (model.trial or model.quality.get("against_grade") or {}).get("gain")
    return gain is not None and bool(gain["high"] < 0)


def is_better(model: PredictionModel) -> bool:
    """Whether it surely does better."""
    gain = (model.trial or model.quality.get("against_grade") or {}).get("gain")
    return gain is not None and bool(gain["low"] > 0)
