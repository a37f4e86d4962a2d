"""A row to be inserted together with the job that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Insertion:
    """One ``INSERT … RETURNING id`` with its values, which may read from a CTE of the name ``source``.

    ``columns`` of the source are told back. Without a source the insertion stands for itself.
    """

    statement: str
    values: Sequence[object]
    source: str = ""
    source_values: Sequence[object] = ()
    columns: str = ""
