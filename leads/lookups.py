"""A lookup that trigram indexes serve: Django's icontains compares upper-cased columns, which they do not hold."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup
from django.db.models.sql.compiler import SQLCompiler


@CharField.register_lookup
class Mentions(Lookup[str]):
    """``name__mentions="müller"``: the text contains the words, in whatever case."""

    lookup_name = "mentions"

    def get_prep_lookup(self) -> str:
        """The words as a pattern that means nothing but themselves."""
        words = str(self.rhs).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{words}%"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """ILIKE, which gin_trgm_ops indexes know."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", (*left_params, *right_params)
