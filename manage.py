#!/usr/bin/env python3
"""The command line of Leadmgmt."""

import os
import sys


def main() -> None:
    """Run one management command. What a person can mend is said in one sentence, without a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadmgmt.settings")
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError, ProgrammingError
    except ModuleNotFoundError:
        sys.exit("Leadmgmt is not set up here: run `make setup`, then .venv/bin/python manage.py.")
    try:
        # Django keeps this error for later and then tells of unknown commands instead.
        settings.INSTALLED_APPS  # noqa: B018  # looking is what loads the settings
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Leadmgmt cannot start. {error}")
    except OperationalError as error:
        from leadmgmt.database.problems import is_connection_failure, sentence

        if not is_connection_failure(error):
            raise
        sys.exit(f"Leadmgmt cannot start. {sentence(error, settings.DATABASES['default'])}")
    except ProgrammingError:
        from leadmgmt.tables import are_missing

        if not are_missing():
            raise
        sys.exit("The database is empty: run `manage.py start` once, which sets it up, or `manage.py migrate`.")


if __name__ == "__main__":
    main()
