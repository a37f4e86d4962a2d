"""The text itself: written, read, tried and put in place."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from leadmgmt.changes.actor import acting
from leadmgmt.changes.told import Done, told
from leadmgmt.config_text.part import Context, Part
from leadmgmt.config_text.plain_parts import plain_parts
from leadmgmt.config_text.versioned_parts import versioned_parts
from leadmgmt.core.errors import DomainError, InvalidInput
from leads.models import Change, User

FORMAT = 1
# As a form that is sent again may hold (DATA_UPLOAD_MAX_MEMORY_SIZE), with room for how it is written there.
LONGEST = 1_500_000
FORMAT_KEY = "leadmgmt_configuration"


@dataclass(frozen=True)
class Wrong:
    """What to mend: in which part, which row and which field."""

    part: str
    row: str
    field: str
    text: str

    def __str__(self) -> str:
        return ": ".join(one for one in (self.part, self.row, self.field, self.text) if one)


@dataclass(frozen=True)
class Plan:
    """What a text changes, as a list of changes; or what is wrong with it, and then nothing is changed."""

    done: list[Done] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    is_in_place: bool = False

    @property
    def count(self) -> int:
        """How many rows change."""
        return sum(len(one.rows) for one in self.done)


def parts() -> list[Part]:
    """Everything a text can say, in the order in which it is put in place."""
    return [*plain_parts(), *versioned_parts()]


def write() -> str:
    """The configuration as it is. The same configuration gives the same text, so that two can be compared by line."""
    whole: dict[str, Any] = {FORMAT_KEY: FORMAT}
    for part in parts():
        rows = part.write()
        whole[part.name] = (rows[0] if rows else {}) if part.is_single else rows
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


class _Undone(Exception):
    """Takes everything back."""


def put(text: str, by: User | None, at: datetime, *, is_trial: bool, removes: bool = False) -> Plan:
    """Put a text in place as one, or say what it would change. With ``removes`` what the text's parts do not name is
    taken away; else it stays as it is.

    Parts that the text leaves out are not touched. Where anything is wrong, nothing is changed.
    """
    whole, wrong = _read(text)
    if wrong:
        return Plan(wrong=wrong)
    plan = Plan()
    try:
        with transaction.atomic(), acting(by) if by else nullcontext():
            mark = _last_change()
            wrong = list(_put_parts(whole, Context(by, at), removes=removes))
            if not wrong:
                wrong = list(_late())
            changes = Change.objects.filter(pk__gt=mark, together=_transaction()).select_related("actor")
            plan = Plan([] if wrong else told(changes.order_by("-pk")), wrong, not (wrong or is_trial))
            if not plan.is_in_place:
                raise _Undone
    except _Undone:
        pass
    return plan


def _read(text: str) -> tuple[dict[str, Any], list[Wrong]]:
    if len(text) > LONGEST:
        return {}, [Wrong("", "", "", _("The text is too long."))]
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        told_of = _("Line %(line)s, column %(column)s: this is no JSON (%(why)s).")
        return {}, [Wrong("", "", "", told_of % {"line": error.lineno, "column": error.colno, "why": error.msg})]
    if not isinstance(whole, dict) or whole.get(FORMAT_KEY) != FORMAT:
        told_of = _("This is no configuration: it begins with “%(key)s”: %(format)s.")
        return {}, [Wrong("", "", FORMAT_KEY, told_of % {"key": FORMAT_KEY, "format": FORMAT})]
    known = {part.name for part in parts()}
    unknown = [name for name in whole if name not in known and name != FORMAT_KEY]
    told_of = _("There is no such part; there are %(parts)s.") % {"parts": ", ".join(sorted(known))}
    return whole, [Wrong(name, "", "", told_of) for name in unknown]


def _put_parts(whole: dict[str, Any], context: Context, *, removes: bool) -> Iterator[Wrong]:
    said = [(part, whole[part.name]) for part in parts() if part.name in whole]
    for part, rows in said:
        yield from _put_part(part, rows, context)
    if removes:
        for part, rows in reversed(said):
            yield from _drop_others(part, rows)


def _put_part(part: Part, rows: Any, context: Context) -> Iterator[Wrong]:
    if part.is_single:
        rows = [rows] if rows else []
    if not isinstance(rows, list):
        yield Wrong(part.name, "", "", _("Write a list in brackets here."))
        return
    seen: set[str] = set()
    for place, row in enumerate(rows, 1):
        with _complaints(part, row, place) as found:
            part.check(row)
            if part.put is not None and part.named(row) in seen:
                raise InvalidInput(_("It is said twice."))
            seen.add(part.named(row))
            if part.put is not None:
                part.put(row, context)
        yield from found
        if found and part.put_all is not None:
            return
    if part.put_all is not None:
        with _complaints(part, {}, 0) as found:
            part.put_all(rows, context)
        yield from found


def _drop_others(part: Part, rows: Any) -> Iterator[Wrong]:
    if part.drop is None or not isinstance(rows, list):
        return
    named = {part.named(row) for row in rows if isinstance(row, dict)}
    for row in part.write():
        if part.named(row) not in named:
            with _complaints(part, row, 0) as found:
                part.drop(row)
            yield from found


@contextmanager
def _complaints(part: Part, row: Any, place: int) -> Iterator[list[Wrong]]:
    """What goes wrong with a row is noted; the next ones are looked at all the same."""
    found: list[Wrong] = []
    name = part.named(row) if isinstance(row, dict) and any(row.get(one) for one in part.key) else ""
    name = name or (_("entry %(place)s") % {"place": place} if place else "")
    try:
        with transaction.atomic():
            yield found
    except DomainError as error:
        fields = error.fields or {"": str(error)}
        found += [Wrong(part.name, name, key, text) for key, text in fields.items()]
    except (TypeError, ValueError, AttributeError, KeyError, DatabaseError) as error:
        # A value of a kind that no page could have sent.
        found.append(Wrong(part.name, name, "", _("It cannot be used (%(why)s).") % {"why": type(error).__name__}))


def _late() -> Sequence[Wrong]:
    """What the database looks at only when a transaction ends."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError as error:
        return [Wrong("", "", "", str(error).splitlines()[0])]
    return []


def _last_change() -> int:
    newest = Change.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def _transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        number: int = cursor.fetchone()[0]
        return number
