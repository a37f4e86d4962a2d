"""One part of the text: a kind of rows, how each is written, put in place and taken away."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.models import User

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Context:
    """Who puts the text in place, and when."""

    by: User | None
    at: datetime


@dataclass(frozen=True)
class Part:
    """A list of the text. ``put`` makes one row be as it is said, and does nothing where it is so already."""

    name: str
    key: tuple[str, ...]
    fields: tuple[str, ...]
    write: Callable[[], list[dict[str, Any]]]
    put: Callable[[Said, Context], None] | None = None
    drop: Callable[[Said], None] | None = None
    # There is one of it, which cannot be taken away.
    is_single: bool = False
    # The whole list is one thing: its order counts, and it is put in place as one.
    put_all: Callable[[Sequence[Said], Context], None] | None = None

    def named(self, said: Said) -> str:
        """What people call a row."""
        return " / ".join(str(said.get(one, "")) for one in self.key)

    def check(self, said: Any) -> None:
        """Raise InvalidInput for what is no row of this part, or says something that no row has."""
        if not isinstance(said, dict):
            raise InvalidInput(_("Write an object in braces here."))
        lacking = [one for one in self.key if said.get(one, "") == ""]
        if lacking:
            raise InvalidInput(_("Say what it is called."), fields=dict.fromkeys(lacking, _("This is missing.")))
        unknown = [one for one in said if one not in self.fields]
        if unknown:
            known = ", ".join(self.fields)
            told = {one: _("There is no such field; there are %(fields)s.") % {"fields": known} for one in unknown}
            raise InvalidInput(_("A field is not known."), fields=told)


def plain(
    name: str,
    model: type[models.Model],
    key: Iterable[str],
    fields: Iterable[str],
    refs: Mapping[str, tuple[type[models.Model], str]] | None = None,
    *,
    then: Callable[[Any, Said, Context], None] | None = None,
    more: Mapping[str, Callable[[Any], Any]] | None = None,
    is_single: bool = False,
    where: Mapping[str, Any] | None = None,
) -> Part:
    """A part whose rows nobody but their model owns. ``refs`` says by which field a row that is referred to is called;
    ``more`` are fields that are worked out when written, and put in place by ``then``."""
    shape = _Shape(model, tuple(key), tuple(fields), dict(refs or {}), then, dict(more or {}), is_single, where or {})
    named = (*shape.key, *shape.fields, *shape.more)
    return Part(name, shape.key, named, shape.write, shape.put, None if is_single else shape.drop, is_single)


@dataclass(frozen=True)
class _Shape:
    model: type[models.Model]
    key: tuple[str, ...]
    fields: tuple[str, ...]
    refs: dict[str, tuple[type[models.Model], str]]
    then: Callable[[Any, Said, Context], None] | None
    more: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    is_single: bool = False
    where: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> Any:
        return self.model._default_manager.filter(**self.where).select_related(*self.refs).order_by(*self._lookups())

    def write(self) -> list[dict[str, Any]]:
        names = (*self.key, *self.fields)
        return [
            {name: self._written(row, name) for name in names} | {name: one(row) for name, one in self.more.items()}
            for row in self.rows()
        ]

    def put(self, said: Said, context: Context) -> None:
        row = self._found(said)
        for name in (*self.key, *self.fields):
            if name in said:
                self._set(row, name, said[name])
        try:
            row.full_clean()
        except ValidationError as error:
            told = {name: " ".join(texts) for name, texts in error.message_dict.items()}
            raise InvalidInput(_("Some of it cannot be used."), fields=told) from None
        row.save()
        if self.then is not None:
            self.then(row, said, context)

    def drop(self, said: Said) -> None:
        row = self._found(said)
        try:
            row.delete()
        except ProtectedError:
            raise InvalidInput(_("It is in use and stays; take it out of where it is used first.")) from None

    def _found(self, said: Said) -> Any:
        if self.is_single:
            return self.model._default_manager.first() or self.model()
        values = {lookup: said[name] for name, lookup in zip(self.key, self._lookups(), strict=True)}
        return self.model._default_manager.filter(**values).first() or self.model()

    def _lookups(self) -> list[str]:
        return [f"{name}__{self.refs[name][1]}" if name in self.refs else name for name in self.key]

    def _written(self, row: Any, name: str) -> Any:
        value = getattr(row, name)
        if name in self.refs:
            return getattr(value, self.refs[name][1]) if value is not None else None
        return as_json(value)

    def _set(self, row: Any, name: str, value: Any) -> None:
        one: Any = self.model._meta.get_field(name)
        if name in self.refs:
            setattr(row, name, referred(*self.refs[name], name, value))
            return
        try:
            setattr(row, name, one.to_python(value) if value is not None else None)
        except ValidationError as error:
            raise InvalidInput(_("Some of it cannot be used."), fields={name: " ".join(error.messages)}) from None


def referred(model: type[models.Model], by: str, name: str, value: Any) -> Any:
    """The row that is called so; None for nothing. Raises InvalidInput where there is none."""
    if value in (None, ""):
        return None
    row = model._default_manager.filter(**{by: value}).first() if isinstance(value, str | int) else None
    if row is None:
        raise InvalidInput(
            _("Something it refers to is not there."),
            fields={name: _("There is none called “%(name)s”.") % {"name": value}},
        )
    return row


def as_json(value: Any) -> Any:
    """A value as JSON has it, the same after reading it again."""
    if value is None or isinstance(value, str | bool | int | float | dict | list):
        return json.loads(json.dumps(value, default=str)) if isinstance(value, dict | list) else value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
