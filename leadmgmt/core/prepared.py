"""Prepared statements, for processes that say the same few things again and again."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

AFTER = 3


def have_statements_prepared() -> None:
    """Have PostgreSQL keep the plans of this process's statements from the third time on.

    For each lead the recipe says the same some sixty statements; planning them anew costs the server as much again as
    running them. Web processes do without: their reports are better planned for the values at hand.
    """
    for database in connections.all():
        database.close()
        options = {"server_side_binding": True, "prepare_threshold": AFTER}
        database.settings_dict["OPTIONS"] = database.settings_dict.get("OPTIONS", {}) | options


@contextmanager
def statements_prepared() -> Iterator[None]:
    """The same for as long as the block lasts. It connects anew, so inside a transaction it does nothing."""
    if any(database.in_atomic_block for database in connections.all()):
        yield
        return
    before = {database.alias: database.settings_dict.get("OPTIONS", {}) for database in connections.all()}
    have_statements_prepared()
    try:
        yield
    finally:
        for database in connections.all():
            database.close()
            database.settings_dict["OPTIONS"] = before[database.alias]
