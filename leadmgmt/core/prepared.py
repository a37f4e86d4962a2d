"""Prepared statements, for processes that say the same few things again and again."""

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
