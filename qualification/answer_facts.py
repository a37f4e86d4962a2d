"""Answers as facts: ``answers.budget`` is what was answered, ``answers.budget.met`` whether it speaks for us."""

from datetime import datetime
from typing import Any

from django.db.models import BooleanField, OuterRef, Subquery, TextField
from django.db.models.expressions import Combinable

from leads.facts import Bundle, Fact, Family
from qualification.models import Answer
from qualification.share_facts import NAME as SHARE_NAME
from qualification.share_facts import shares

MET = ".met"


def _make(name: str) -> Fact | None:
    key = name.removesuffix(MET)
    if not key or "." in key:
        return None
    if name.endswith(MET):
        label, label_de = f"{key} speaks for us", f"{key} spricht für uns"
        return Fact(f"answers.{name}", "bool", label, label_de, None, lambda at: _column(key, "is_met", BooleanField()))
    return Fact(f"answers.{key}", "any", key, key, None, lambda at: _column(key, "value", TextField()))


def _column(key: str, field: str, output: Any) -> Combinable:
    current = Answer.objects.filter(lead=OuterRef("pk"), question__key=key, superseded_at__isnull=True)
    return Subquery(current.order_by("-at", "-pk").values(field)[:1], output_field=output)


def _load(bundles: list[Bundle]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    held: dict[int, dict[int, datetime]] = {}
    answers = Answer.objects.filter(lead__in=[bundle.lead.pk for bundle in bundles], superseded_at__isnull=True)
    # The newest is read last and stays, should two frameworks ask for the same.
    for lead_id, question, key, value, is_met, given in answers.order_by("at", "pk").values_list(
        "lead", "question", "question__key", "value", "is_met", "at"
    ):
        found.setdefault(lead_id, {}).update({f"answers.{key}": value, f"answers.{key}{MET}": is_met})
        if is_met:
            held.setdefault(lead_id, {})[question] = given
    for lead_id, share in shares(bundles, held).items():
        found.setdefault(lead_id, {})[SHARE_NAME] = share
    return found


ANSWERS = Family("answers", _make, _load)
