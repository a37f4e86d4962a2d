"""A table of a report, for files and programs."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows under one name; every row has the same columns."""

    name: str
    rows: list[dict[str, Any]]
