"""The reasons of a score in words: kept by the rule's key, told with what the model of then calls it."""

from typing import Any

from qualification.models import Score, ScoringModel
from qualification.scoring import CAP
from qualification.services.past_scores import reasons_of


def told(score: Score) -> list[dict[str, Any]]:
    """Every reason with its labels and part, most points first. Older scores keep their words themselves."""
    words = _words_of(score.model)
    reasons = [{**words.get(str(reason.get("key")), {}), **reason} for reason in reasons_of(score)]
    return sorted(reasons, key=lambda reason: (-abs(float(reason.get("points") or 0)), str(reason.get("key", ""))))


def _words_of(model: ScoringModel) -> dict[str, dict[str, Any]]:
    """What each key stands for, caps as well."""
    found, parts = {}, {}
    for rule in model.rules:
        found[rule["key"]] = _labels(rule) | {"part": rule["part"]}
        parts[rule.get("group")] = rule["part"]
    for group in model.groups:
        found[f"{CAP}{group['key']}"] = _labels(group) | {"part": parts.get(group["key"], "fit")}
    return found


def _labels(said: dict[str, Any]) -> dict[str, Any]:
    return {"label_en": said["label_en"], "label_de": said.get("label_de") or said["label_en"]}
