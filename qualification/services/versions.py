"""Numbers of versions."""

from typing import Any

from django.db.models import Max, QuerySet


def next_version(rows: QuerySet[Any]) -> int:
    """The number after the highest one."""
    return (rows.aggregate(highest=Max("version"))["highest"] or 0) + 1
