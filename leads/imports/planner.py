"""What the database knows of its tables after many rows have come at once."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Model

# Fewer rows change no plan, and PostgreSQL looks by itself before long.
MANY = 1000


def tell_the_planner(models: Sequence[type[Model]]) -> None:
    """Count these tables anew. Pages and reports are asked right after an import; by the statistics of before they
    would be planned for empty tables."""
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {tables}")
