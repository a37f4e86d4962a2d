"""Jobs for the tests of the queue itself; each leaves a trace in a file."""

import os
import time
from pathlib import Path


def note(path: str, word: str) -> None:
    """Append one line, in one write."""
    with Path(path).open("a") as file:
        file.write(f"{word}\n")


def note_and_sleep(path: str, word: str, seconds: int) -> None:
    """Append one line, then work for a while."""
    note(path, word)
    time.sleep(seconds)


def fail(path: str) -> None:
    """Append one line, then go wrong."""
    note(path, "failing")
    raise ValueError("this job always fails")


def name_connection(path: str) -> None:
    """Append which database session this worker uses."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        note(path, f"{os.getpid()} {cursor.fetchone()[0]}")


def make_team_and_member(slug: str) -> None:
    """One step with two effects: a team, and a person in it."""
    from django.db import transaction

    from leads.models import Team, User

    with transaction.atomic():
        team = Team.objects.create(slug=slug, name=slug)
        User.objects.create_user(f"{slug}@example.com", team=team)
