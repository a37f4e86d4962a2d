"""Steps in an order, written anew as a whole while leads are on their way through them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import F

# Out of the way of all positions while steps change places.
ASIDE = 1000


def rewrite(steps: Any, written: Sequence[tuple[int | None, Mapping[str, Any]]]) -> Iterable[tuple[Any, Any | None]]:
    """Write the steps behind ``steps`` (a parent's related manager) in this order: each by its pk, None for a new one,
    with its fields. Returns those that are gone, not yet deleted, each with the first one that stood behind it, for
    whoever waits at it; new ones stand nowhere yet."""
    known = {step.pk: step for step in steps.select_for_update()}
    stood = {step.pk: step.position for step in known.values()}
    steps.update(position=F("position") + ASIDE)
    rows = []
    for place, (pk, fields) in enumerate(written, 1):
        row = known.get(pk) or steps.model(**{steps.field.name: steps.instance})
        for name, value in {**fields, "position": place}.items():
            setattr(row, name, value)
        row.save()
        rows.append(row)
    kept = {row.pk for row in rows}
    return [
        (step, next((row for row in rows if stood.get(row.pk, 0) > stood[pk]), None))
        for pk, step in known.items()
        if pk not in kept
    ]
