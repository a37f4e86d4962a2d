"""Rows that come and go while others look for them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


def locked_row(model: type[Row], *, made_with: Mapping[str, Any], **key: Any) -> Row:
    """The row of this unique key, locked until the transaction ends; made where there is none.

    Unlike `get_or_create`, also where somebody makes or removes it at this very moment. Needs an open transaction.
    """
    rows = model._default_manager
    while True:
        row = rows.select_for_update().filter(**key).first()
        if row is not None:
            return row
        rows.bulk_create([model(**key, **made_with)], ignore_conflicts=True)
