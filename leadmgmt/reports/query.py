"""Runs a report's SQL over a cohort of leads."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from django.db import connection

from leads.querysets import LeadQuerySet

COHORT = "/* cohort */"

Row = TypeVar("Row")


def rows(shape: type[Row], statement: str, leads: LeadQuerySet, parameters: Sequence[Any] = ()) -> list[Row]:
    """The result as ``shape``, whose fields are the columns in order.

    The statement holds ``/* cohort */`` once, before its own placeholders, where the leads come in as a subquery of
    `id`, `source_id`, `campaign_id`, `team_id`, `stage`, `captured_at`.
    """
    inner, values = (
        leads.order_by()
        .values_list("id", "source_id", "campaign_id", "team_id", "stage", "captured_at")
        .query.sql_with_params()
    )
    count = len(fields(shape))  # type: ignore[arg-type]  # shapes are dataclasses; there is no type to say so
    with connection.cursor() as cursor:
        cursor.execute(statement.replace(COHORT, inner), [*values, *parameters])
        found = cursor.fetchall()
    return [shape(*row[:count]) for row in found]
