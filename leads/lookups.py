"""Lookups of our own: one that trigram indexes serve, and one for thousands of values at once."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Field, Lookup
from django.db.models.sql.compiler import SQLCompiler


@CharField.register_lookup
class Mentions(Lookup[str]):
    """``name__mentions="müller"``: the text contains the words, in whatever case.

    Django's icontains compares upper-cased columns, which the indexes do not hold.
    """

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


@Field.register_lookup
class Among(Lookup[Any]):
    """``email_key__among=[…]``: like `in`, but the values go over as one array, which costs no parsing of each."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """An empty list is among nothing."""
        column, params = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.rel_db_type(connection)
        return f"{column} = ANY(%s::{kind}[])", (*params, list(self.rhs))
