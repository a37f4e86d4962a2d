"""The last look of an erasure: no row of any table may name the person's address or number any more."""

import re

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from leads.erasure import Subject

# A colleague may have the same address as somebody who asked to be erased; their account is not a lead's data.
# Nobody changes a certificate; those that name the person are deleted.
SPARED = (
    "leads_user",
    "routing_certificate",
    "django_migrations",
    "leads_erasedkey",
    "leads_erasure",
    "leads_erasuretask",
)
TABLES = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum), array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace AND NOT c.relname = ANY(%s)
    AND a.attgenerated = '' AND format_type(a.atttypid, NULL) IN ('text', 'character varying', 'json', 'jsonb')
GROUP BY c.relname ORDER BY c.relname
"""
GONE = "…"


def pattern_of(subject: Subject) -> str:
    """A regular expression for any of their addresses and numbers, empty where there is none."""
    words = sorted({*subject.emails, *subject.phones}, key=len, reverse=True)
    return "|".join(re.escape(word) for word in words)


def empty_leftovers(subject: Subject) -> int:
    """Replace every address and number of the person, in every text of every table. Returns in how many rows."""
    pattern = pattern_of(subject)
    if not pattern:
        return 0
    count = 0
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [list(SPARED)])
        for table, columns, types in cursor.fetchall():
            count += _empty(cursor, table, dict(zip(columns, types, strict=True)), pattern)
    return count


def _empty(cursor: CursorWrapper, table: str, columns: dict[str, str], pattern: str) -> int:
    named = [column for column in columns if _names(cursor, table, column, pattern)]
    if not named:
        return 0
    values = [
        sql.SQL("{column} = regexp_replace({column}::text, %s, %s, 'gi')::{type}").format(
            column=sql.Identifier(column), type=sql.SQL(columns[column])
        )
        for column in named
    ]
    where = [sql.SQL("{}::text ~* %s").format(sql.Identifier(column)) for column in named]
    query = sql.SQL("UPDATE {} SET {} WHERE {}").format(
        sql.Identifier(table), sql.SQL(", ").join(values), sql.SQL(" OR ").join(where)
    )
    cursor.execute(query, [*(part for _ in named for part in (pattern, GONE)), *(pattern for _ in named)])
    return int(cursor.rowcount)


def _names(cursor: CursorWrapper, table: str, column: str, pattern: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {}::text ~* %s)").format(
        sql.Identifier(table), sql.Identifier(column)
    )
    cursor.execute(query, [pattern])
    return bool(cursor.fetchone()[0])
