"""Says in one sentence why a database cannot be used, and what to mend."""

from typing import Any

import psycopg

OLDEST = 14


class Unusable(Exception):
    """The own server cannot be had; the message is the sentence for the person."""


def sentence(error: Exception, settings: dict[str, Any]) -> str:
    """What to tell the person about a connection that failed. libpq gives no code, only words, so words are read."""
    text = str(error)
    where = f"{settings.get('HOST') or 'the local socket'}:{settings.get('PORT') or 5432}"
    name, user = settings.get("NAME"), settings.get("USER") or "(none)"
    told: list[tuple[str, str]] = [
        ("password authentication failed", f"PostgreSQL at {where} refuses the password of user {user!r}"),
        ("no password supplied", f"PostgreSQL at {where} wants a password for user {user!r}"),
        ("role ", f"PostgreSQL at {where} knows no user {user!r}"),
        ("database ", f"PostgreSQL at {where} has no database {name!r}: create it with createdb, or"),
        ("resolve host", f"the host of the database, {settings.get('HOST')!r}, is not known"),
        ("refused", f"no PostgreSQL answers at {where}: start it, or"),
        ("No such file", f"no PostgreSQL answers at {where}: start it, or"),
        ("timeout", f"PostgreSQL at {where} does not answer in time: start it, or"),
    ]
    for words, said in told:
        if words in text and (words not in ("role ", "database ") or "does not exist" in text):
            return f"DATABASE_URL cannot be used, {said}{'' if said.endswith('or') else ':'} correct DATABASE_URL."
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return f"DATABASE_URL cannot be used, PostgreSQL at {where} answered: {first}"


def is_connection_failure(error: BaseException) -> bool:
    """Whether an error came from connecting, not from a statement (a statement's error carries an SQLSTATE)."""
    cause = error.__cause__ if not isinstance(error, psycopg.Error) else error
    return isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None
