"""Brings the database's tables up to date."""

from collections.abc import Callable

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# "migr": several starts on one database take turns.
MIGRATING = 0x6D696772


def bring_up_to_date(say: Callable[[str], None]) -> None:
    """Run the migrations that are missing, if any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        try:
            executor = MigrationExecutor(connection)
            missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
            if missing:
                say(f"Tables: {len(missing)} migrations …")
                call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])


def are_missing() -> bool:
    """Whether the database was never set up: it has not even the table of migrations."""
    return "django_migrations" not in connection.introspection.table_names()
