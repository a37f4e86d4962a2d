"""The leakage guard: facts that were set after the outcome tell it, and are worth nothing for a lead that is new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qualification.prediction.encode import Facts, learn_encoder, word
from qualification.prediction.quality import Floats, _auc

# What forms, files and the CRM call it; nobody brings it up to date.
FREE = "attributes."
Places = NDArray[np.int64]
# Changed after the outcome for at least so many leads, and such a share of those that ended.
LEAST_CHANGED = 5
SHARE_CHANGED = 0.02
# One fact alone that tells won from lost this well was filled in by somebody who knew.
TOO_GOOD = 0.95
LEAST_LEADS = 40


@dataclass(frozen=True)
class Refused:
    """A fact that a model must not look at, and why: ``changed`` with the share of leads, or ``tells`` with its AUC."""

    fact: str
    why: str
    figure: float


def changed_after(before: Sequence[Facts], since: Sequence[Facts], names: Sequence[str]) -> list[Refused]:
    """Facts that were set after the outcome. ``before`` and ``since`` are the same closed leads, at the end and now."""
    found = []
    for name in names:
        changed = sum(_was_set(name, old, new) for old, new in zip(before, since, strict=True))
        if changed >= LEAST_CHANGED and changed >= SHARE_CHANGED * len(before):
            found.append(Refused(name, "changed", changed / len(before)))
    return found


def _was_set(name: str, before: Facts, since: Facts) -> bool:
    """Whether somebody set it: any change of a further answer or a yes/no, but of what providers bring up to date now
    and then only that it was empty. What was not looked at then cannot be compared."""
    if name.startswith(FREE):
        return word(before.get(name)) != word(since.get(name))
    if name not in before or since.get(name) in (None, ""):
        return False
    is_flag = isinstance(since[name], bool)
    return before[name] != since[name] if is_flag else before[name] in (None, "")


def too_good(rows: Sequence[Facts], won: Floats, weight: Floats, kinds: Mapping[str, str]) -> list[Refused]:
    """Facts that tell won from lost by themselves, judged by the rate of wins of each value in the other half of the
    leads."""
    if min(won.sum(), len(won) - won.sum()) < LEAST_LEADS:
        return []
    half = np.arange(len(rows)) % 2 == 0
    found = []
    for name in sorted(kinds):
        words = _levels(rows, name, kinds[name])
        if words is None:
            continue
        chance = np.empty(len(rows))
        for here in (half, ~half):
            chance[here] = _rates(words[~here], won[~here], weight[~here], words[here])
        auc = _auc(won, chance, weight)
        if auc >= TOO_GOOD:
            found.append(Refused(name, "tells", auc))
    return found


def _levels(rows: Sequence[Facts], name: str, kind: str) -> Places | None:
    """Each lead's value as one of a few: numbers by where they lie among twenty parts."""
    columns = learn_encoder(rows, {name: kind}).columns
    if not columns:
        return None
    column = columns[0]
    values = [column.value(row) for row in rows]
    if column.kind == "category":
        _known, places = np.unique(np.asarray([str(value) for value in values]), return_inverse=True)
        return places.astype(np.int64)
    known = [float(value) for value in values if value is not None]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, 21)[1:-1]))
    return np.asarray([-1 if value is None else int(np.searchsorted(edges, float(value))) for value in values]) + 1


def _rates(seen: Places, won: Floats, weight: Floats, asked: Places) -> Floats:
    """The rate of wins of each value, drawn to the overall rate where the value is rare."""
    size = int(max(seen.max(initial=0), asked.max(initial=0))) + 1
    total, wins = np.bincount(seen, weight, size), np.bincount(seen, weight * won, size)
    overall = float(np.average(won, weights=weight)) if weight.sum() else 0.5
    rates = (wins + 5 * overall) / (total + 5)
    found: Floats = rates[asked]
    return found
