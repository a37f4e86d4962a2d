"""Changes as they are shown: what was changed at one go belongs together, with each field before and after."""

import difflib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from leadmgmt.changes.watched import Watched, watched_tables
from leads.models import Change, User

# Longer ones are told by the lines that differ.
LONG = 80
MOST_LINES = 40


@dataclass(frozen=True)
class Difference:
    """One field: what it said and what it says; or the lines that differ, each with + or -."""

    label: str
    before: str = ""
    after: str = ""
    lines: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Row:
    """One row that changed."""

    change: Change
    word: str | Promise
    name: str
    url: str
    differences: list[Difference]


@dataclass(frozen=True)
class Done:
    """What one person changed at one go."""

    at: datetime
    actor: User | None
    rows: list[Row] = field(default_factory=list)


def told(changes: Iterable[Change]) -> list[Done]:
    """These changes, newest first, put together by transaction."""
    found, tables = list(changes), watched_tables()
    names = _names(found, tables)
    done: list[Done] = []
    last: tuple[int, int | None] | None = None
    for change in found:
        watched = tables.get(change.source)
        if watched is None:
            continue
        if last != (change.together, change.actor_id):
            done.append(Done(change.at, change.actor))
            last = (change.together, change.actor_id)
        done[-1].rows.append(_row(change, watched, names))
    return done


Names = dict[tuple[type[models.Model], int], str]


def _row(change: Change, watched: Watched, names: Names) -> Row:
    row = change.before | change.after
    name = change.name or _of(watched, row, names)
    if not name and change.row_id.isdigit():
        name = names.get((watched.model, int(change.row_id)), "")
    keys = [key for key in _ordered(watched.model, row) if not _is_repeated(change, key)]
    differences = [_difference(watched.model, key, change, names) for key in keys]
    return Row(change, watched.word, name, watched.url(row | {"id": change.row_id}, change.row_id), differences)


def _is_repeated(change: Change, key: str) -> bool:
    """What a row that came is called stands above its fields."""
    return change.act != Change.Act.CHANGED and str((change.before | change.after).get(key)) == change.name


def _of(watched: Watched, row: dict[str, Any], names: Names) -> str:
    """A row without a name of its own is told by what it belongs to."""
    parts = []
    for one in watched.model._meta.concrete_fields:
        target, value = one.related_model, row.get(one.attname)
        if isinstance(target, type) and isinstance(value, int):
            parts.append(names.get((target, value), ""))
    return " · ".join(part for part in parts if part)


def _names(changes: Iterable[Change], tables: dict[str, Watched]) -> Names:
    """What rows that are named by number are called, one query a table."""
    wanted: dict[type[models.Model], set[int]] = defaultdict(set)
    for change in changes:
        watched = tables.get(change.source)
        if watched is None:
            continue
        if not change.name and change.row_id.isdigit() and not watched.model._meta.auto_created:
            wanted[watched.model].add(int(change.row_id))
        for one in watched.model._meta.concrete_fields:
            for said in (change.before, change.after):
                if isinstance(one.related_model, type) and isinstance(said.get(one.attname), int):
                    wanted[one.related_model].add(said[one.attname])
    return {
        (model, row.pk): str(row) for model, pks in wanted.items() for row in model._default_manager.filter(pk__in=pks)
    }


def _ordered(model: type[models.Model], row: dict[str, Any]) -> list[str]:
    """The columns of a row in the order in which the model names them; those that are no more come last."""
    places = {one.attname: place for place, one in enumerate(model._meta.concrete_fields)}
    return sorted(row, key=lambda key: (places.get(key, len(places)), key))


def _difference(model: type[models.Model], key: str, change: Change, names: Names) -> Difference:
    try:
        # By the column's name: a foreign key is kept as the number of what it points to.
        one: Any = next(each for each in model._meta.concrete_fields if each.attname == key)
        label = capfirst(str(one.verbose_name))
    except (StopIteration, FieldDoesNotExist):
        one, label = None, key
    before, after = (_text(one, said.get(key), names) for said in (change.before, change.after))
    if max(len(before), len(after)) <= LONG and "\n" not in before + after:
        return Difference(label, before, after)
    pair = difflib.ndiff(before.splitlines(), after.splitlines())
    lines = [(text[0], text[2:]) for text in pair if text[0] in "+-"]
    return Difference(label, lines=[*lines[:MOST_LINES], *([(" ", "…")] if len(lines) > MOST_LINES else [])])


def _text(one: Any, value: Any, names: Names) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if one is not None and isinstance(one.related_model, type) and isinstance(value, int):
        return names.get((one.related_model, value), f"#{value}")
    choices = dict(one.flatchoices) if one is not None else {}
    if isinstance(value, str | int) and value in choices:
        return str(choices[value])
    if isinstance(one, models.DateTimeField) and (at := parse_datetime(str(value))):
        return date_format(localtime(at), "SHORT_DATETIME_FORMAT")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) if value else ""
    return str(value)
