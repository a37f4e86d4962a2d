"""Whose doing a change is: told to PostgreSQL, whose triggers keep what changes (leads/migrations/0026_changes.py)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from psycopg.pq import TransactionStatus

from leadmgmt.changes.watched import watched_tables
from leads.models import User

SAFE = ("GET", "HEAD", "OPTIONS")


@cache
def _writes() -> re.Pattern[str]:
    """What writes to a table that is watched."""
    tables = "|".join(sorted(watched_tables(), key=len, reverse=True))
    return re.compile(rf'\b(?:INSERT INTO|UPDATE|DELETE FROM|COPY)\s+"?(?:{tables})\b')


@contextmanager
def acting(user: User) -> Iterator[None]:
    """What changes meanwhile is this person's doing. Costs a statement only where something is written."""
    told = False

    def tell(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal told
        if _writes().search(str(sql)) and _is_sound():
            # Each time: a transaction that is rolled back takes the setting with it.
            with connection.connection.cursor() as cursor:
                cursor.execute("SELECT set_config('leadmgmt.actor', %s, false)", [str(user.pk)])
            told = True
        return execute(sql, params, many, context)

    with connection.execute_wrapper(tell):
        try:
            yield
        finally:
            if told:
                _forget()


def _is_sound() -> bool:
    """Whether statements can be run: not while a transaction has failed and waits for its end."""
    raw = connection.connection
    return raw is not None and not raw.closed and raw.info.transaction_status != TransactionStatus.INERROR


def _forget() -> None:
    if _is_sound():
        with connection.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('leadmgmt.actor', '', false)")


class ActorMiddleware:
    """What a signed-in person sends is that person's doing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in SAFE or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.get_response(request)
        if not isinstance(request.user, User):
            return self.get_response(request)
        with acting(request.user):
            return self.get_response(request)
