"""Writing many new rows: COPY where there are many, an INSERT where there are few."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection, models

from leadmgmt.core.insertion import Insertion
from leadmgmt.core.now import now

# Below this, the round trips of COPY cost more than they save.
FEW = 100
Reader = Callable[[Any], Any]
TimedReader = Callable[[Any, Any], Any]
Values = Mapping[str, Any]


def insert_values(model: type[models.Model], rows: Sequence[Values]) -> None:
    """Insert new rows of which nobody needs the object, by column (`lead_id`). Raises IntegrityError."""
    if not rows:
        return
    if len(rows) < FEW:
        insert_many([model(**row) for row in rows])
        return
    fields = _unnumbered(model)
    _copy(model, fields, rows, [_of_values(field) for field in fields])


def insert_many(rows: Sequence[models.Model]) -> None:
    """Insert new objects of one model, which get their primary keys. Raises IntegrityError.

    Related objects may have got their own keys since they were assigned. No signals are sent, as we listen to none.
    """
    if not rows:
        return
    model = type(rows[0])
    if len(rows) < FEW:
        _insert_few(model, rows)
    else:
        _number(model, rows)
        fields = list(model._meta.concrete_fields)
        _copy(model, fields, rows, [_of_object(field) for field in fields])
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _insert_few(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """One INSERT, whose text is put together once per model and number of rows: the ORM does it at each call."""
    statement, readers = _insert_few_of(model, len(rows))
    written_at = now()
    with connection.cursor() as cursor:
        cursor.execute(statement, [read(row, written_at) for row in rows for read in readers])
        if isinstance(model._meta.pk, models.AutoField):
            # PostgreSQL returns the rows of a VALUES list in its order.
            for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = number


@cache
def _insert_few_of(
    model: type[models.Model], count: int, unique: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> tuple[str, list[TimedReader]]:
    quote, fields = connection.ops.quote_name, _unnumbered(model)
    columns = ", ".join(quote(field.column) for field in fields)
    row_of = f"({', '.join(['%s'] * len(fields))})"
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) "  # noqa: S608  # quoted names of our own columns
        f"VALUES {', '.join([row_of] * count)}{_on_conflict(model, unique, names)} "
        f"RETURNING {quote(_column(model, model._meta.pk.name))}"
    )
    return statement, [_timed(field) for field in fields]


def _on_conflict(model: type[models.Model], unique: tuple[str, ...], names: tuple[str, ...]) -> str:
    if not unique:
        return ""
    quote = connection.ops.quote_name
    key, changed = [[quote(_column(model, name)) for name in group] for group in (unique, names)]
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in changed)
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


def _column(model: type[models.Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return str(field.column)


def upsert_many(rows: Sequence[models.Model], unique: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Insert objects; of those that the constraint on ``unique`` knows already, write the fields ``names``."""
    if not rows:
        return
    if len(rows) >= FEW:
        type(rows[0])._default_manager.bulk_create(
            rows, update_conflicts=True, unique_fields=unique, update_fields=names
        )
        return
    statement, readers = _insert_few_of(type(rows[0]), len(rows), unique, names)
    written_at = now()
    with connection.cursor() as cursor:
        cursor.execute(statement, [read(row, written_at) for row in rows for read in readers])
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk, row._state.adding, row._state.db = number, False, connection.alias


def insert_new(rows: Sequence[models.Model], name: str) -> dict[Any, int]:
    """Insert few objects, but none that a unique constraint knows already, in one statement.

    Returns the numbers of those that were new, by the field ``name``, in which the objects differ.
    """
    model, quote = type(rows[0]), connection.ops.quote_name
    fields = _unnumbered(model)
    readers = [_of_object(field) for field in fields]
    columns = ", ".join(quote(field.column) for field in fields)
    row_of = f"({', '.join(['%s'] * len(fields))})"
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) "  # noqa: S608  # quoted names of our own columns
        f"VALUES {', '.join([row_of] * len(rows))} ON CONFLICT DO NOTHING RETURNING {quote(name)}, id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [read(row) for row in rows for read in readers])
        return dict(cursor.fetchall())


def insertion(row: models.Model, *, taken: Mapping[str, str] | None = None, only_if: str = "true") -> Insertion:
    """An object's insertion, unless a unique constraint knows it.

    ``taken`` says which columns come from a column of the insertion's source instead of the object, ``only_if`` is a
    condition on that source.
    """
    statement, readers = _insert_of(type(row), tuple(sorted((taken or {}).items())), only_if)
    return Insertion(statement, [read(row) for read in readers])


@cache
def _insert_of(model: type[models.Model], taken: tuple[tuple[str, str], ...], only_if: str) -> tuple[str, list[Reader]]:
    quote, from_source = connection.ops.quote_name, dict(taken)
    fields: list[Any] = list(model._meta.concrete_fields)
    columns = ", ".join(quote(field.column) for field in fields)
    values = ", ".join(from_source.get(field.column) or f"%s::{field.db_type(connection)}" for field in fields)
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) "  # noqa: S608  # quoted names of our own columns
        f"SELECT {values} FROM source WHERE {only_if} ON CONFLICT DO NOTHING RETURNING id"
    )
    return statement, [_of_object(field) for field in fields if field.column not in from_source]


def update_many(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write these fields of objects that are in the database, in one statement."""
    if not rows:
        return
    model = type(rows[0])
    if len(rows) == 1:
        update_one(rows[0], names)
        return
    quote = connection.ops.quote_name
    key = model._meta.pk
    fields: list[Any] = [key, *(model._meta.get_field(name) for name in names)]
    readers = [_of_object(field) for field in fields]
    columns = [quote(field.column) for field in fields]
    # A number's own type would be `bigint GENERATED …`; what refers to it is plain.
    types = [fields[0].rel_db_type(connection), *(field.db_type(connection) for field in fields[1:])]
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    changes = ", ".join(f"{column} = new.{column}" for column in columns[1:])
    statement = (
        f"UPDATE {quote(model._meta.db_table)} AS old SET {changes} "  # noqa: S608  # quoted names of our own columns
        f"FROM unnest({arrays}) AS new ({', '.join(columns)}) WHERE old.{columns[0]} = new.{columns[0]}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [[read(row) for row in rows] for read in readers])


def update_one(row: models.Model, names: Iterable[str]) -> None:
    """Write these fields of an object that is in the database. The statement's text is put together only once."""
    statement, readers = _update_one_of(type(row), tuple(names))
    written_at = now()
    with connection.cursor() as cursor:
        cursor.execute(statement, [*(read(row, written_at) for read in readers), row.pk])


@cache
def _update_one_of(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[TimedReader]]:
    quote = connection.ops.quote_name
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    changes = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    statement = (
        f"UPDATE {quote(model._meta.db_table)} SET {changes} "  # noqa: S608  # quoted names of our own columns
        f"WHERE {quote(_column(model, model._meta.pk.name))} = %s"
    )
    return statement, [_timed(field) for field in fields]


def _copy(model: type[models.Model], fields: Sequence[Any], rows: Iterable[Any], readers: Sequence[Reader]) -> None:
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([read(row) for read in readers])


def _unnumbered(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]


def _number(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Give rows their numbers beforehand, so that other rows can point at them."""
    key = model._meta.pk
    if not isinstance(key, models.AutoField):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, key.column, len(rows)],
        )
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = number


def _of_values(field: Any) -> Reader:
    """How to take a field's value from a mapping, as COPY wants it; what is not there gets the field's default."""
    name, default = field.attname, field._get_default

    def read(row: Values) -> Any:
        return row[name] if name in row else default()

    return _as_json(read) if isinstance(field, models.JSONField) else read


def _of_object(field: Any) -> Reader:
    """How to take a field's value from an object, as COPY wants it."""
    if isinstance(field, models.ForeignKey):
        return _key(field.name, field.attname)
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        written_at = now()
        return lambda row: written_at
    read: Reader = attrgetter(field.attname)
    return _as_json(read) if isinstance(field, models.JSONField) else read


def _timed(field: Any) -> TimedReader:
    """The same as `_of_object` for a statement that is kept: the time of writing comes with each call."""
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return lambda row, written_at: written_at
    read = _of_object(field)
    return lambda row, written_at: read(row)


def _key(name: str, column: str) -> Reader:
    def read(row: Any) -> Any:
        related = row._state.fields_cache.get(name)
        if related is not None:
            # The number of a row that was new when it was assigned; past the descriptor, which would forget the row.
            row.__dict__[column] = related.pk
        return getattr(row, column)

    return read


def _as_json(read: Reader) -> Reader:
    def read_json(row: Any) -> Any:
        value = read(row)
        return None if value is None else json.dumps(value, ensure_ascii=False)

    return read_json
