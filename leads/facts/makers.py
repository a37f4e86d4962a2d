"""How a fact is read, twice: from a loaded lead and as a column of SQL. A test proves that both agree."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DateTimeField,
    DecimalField,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from leads.facts.fact import Bundle, Fact, Kind
from leads.models import Touchpoint

AFTER_AT = re.compile(r"@([^@]+)\Z")


def plain(name: str, kind: Kind, en: str, de: str, path: str, **more: Any) -> Fact:
    """A fact that stands in one column; empty text means unknown."""
    steps = path.split("__")

    def read(bundle: Bundle) -> Any:
        value: Any = bundle.lead
        for step in steps:
            value = getattr(value, step, None)
        if value is None or value == "":
            return None
        if kind == "number":
            return value if isinstance(value, int) else float(value)
        return value.isoformat() if kind == "time" else value

    return Fact(name, kind, en, de, read, lambda at: F(path), **more)


def flag(name: str, en: str, de: str, condition: Q, read: Callable[[Bundle], bool]) -> Fact:
    """A yes or no that is always known."""
    column = Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())
    return Fact(name, "bool", en, de, read, lambda at: column)


def of_last_touch(name: str, en: str, de: str, field: str, **more: Any) -> Fact:
    """A fact of the newest touch."""

    def read(bundle: Bundle) -> Any:
        return getattr(bundle.last_touch, field, None) or None

    def column(at: datetime) -> Combinable:
        newest = Touchpoint.objects.filter(lead=OuterRef("pk")).order_by("-at", "-pk")
        return Subquery(newest.values(field)[:1], output_field=CharField())

    return Fact(name, "text", en, de, read, column, **more)


def email_domain(bundle: Bundle) -> str | None:
    """What stands after the last @ of the address."""
    found = AFTER_AT.search(bundle.lead.contact.email)
    return found[1] if found else None


def email_domain_column(at: datetime) -> Combinable:
    """The same in SQL."""
    return Func(F("contact__email"), Value("@([^@]+)$"), function="substring", output_field=TextField())


def age_column(at: datetime) -> Combinable:
    """Whole days since the first touch."""
    return Func(
        Value(at, output_field=DateTimeField()),
        F("first_seen_at"),
        template="floor(extract(epoch from (%(expressions)s)) / 86400)",
        arg_joiner=" - ",
        output_field=DecimalField(),
    )


def touch_count_column(at: datetime) -> Combinable:
    """How many touches the lead has."""
    counted = Touchpoint.objects.filter(lead=OuterRef("pk")).order_by().values("lead").annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n"), output_field=IntegerField()), 0)


def company_flag(name: str) -> Callable[[Bundle], bool]:
    """Whether a field of the company or of its parent is set; no company means no."""

    def told(bundle: Bundle) -> bool:
        company = bundle.lead.contact.company
        if company is None:
            return False
        parent = company.parent if company.parent_id is not None else None
        return bool(getattr(company, name) or getattr(parent, name, None))

    return told
