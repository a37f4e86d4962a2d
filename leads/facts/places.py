"""Where a lead is: postal codes as columns, and the territory that each table of them says."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Func, IntegerField, OuterRef, Q, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Collate, Left, Length, NullIf, Upper
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from leads.configuration import Kept
from leads.facts.fact import Bundle, Fact, Family
from leads.fold import Fold, fold
from leads.models import Contact, TerritoryArea, TerritoryTable
from leads.normalise.postal import code_key, within

PREFIX = "territory"


def postal_column(code: Combinable) -> Func:
    """A postal code as codes are compared; NULL where nothing is left of it."""
    signs = Func(code, Value("[^0-9A-Za-z]+"), Value(""), Value("g"), function="regexp_replace")
    return NullIf(Upper(signs, output_field=TextField()), Value(""), output_field=TextField())


@dataclass
class Country:
    """What a table says of one country."""

    whole: str | None = None
    regions: dict[str, str] = field(default_factory=dict)
    # By the length of the codes named: their ends in order, and the territory of each.
    codes: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)

    def territory(self, code: str, region: str) -> str | None:
        """The longest code wins, then the region, then the country."""
        for length in sorted(self.codes, reverse=True):
            spans = self.codes[length]
            place = bisect_right(spans, code[:length], key=lambda span: span[0]) - 1
            if place >= 0 and within(code, spans[place][0], spans[place][1]):
                return spans[place][2]
        return self.regions.get(region, self.whole)


@dataclass(frozen=True)
class Division:
    """A table as it decides."""

    name: str
    countries: dict[str, Country]
    territories: tuple[str, ...]

    def territory(self, country: str, region: str, code: str) -> str | None:
        """The territory of a place; None where no area holds."""
        known = self.countries.get(country)
        return known.territory(code_key(code), fold(region)) if known else None

    def of_contact(self, contact: Contact) -> str | None:
        """The territory of a person."""
        return self.territory(contact.country, contact.region, contact.postal_code)


def division_of(name: str, areas: Iterable[TerritoryArea]) -> Division:
    """The table that these areas make, also before they are stored."""
    countries: dict[str, Country] = {}
    names: dict[str, None] = {}
    for area in areas:
        names.setdefault(area.territory)
        country = countries.setdefault(area.country, Country())
        if area.low:
            country.codes.setdefault(len(area.low), []).append((area.low, area.high, area.territory))
        elif area.region_key:
            country.regions[area.region_key] = area.territory
        else:
            country.whole = area.territory
    for country in countries.values():
        for spans in country.codes.values():
            spans.sort()
    return Division(name, countries, tuple(names))


def _load() -> dict[str, Division]:
    areas: dict[int, list[TerritoryArea]] = {}
    for area in TerritoryArea.objects.order_by("pk"):
        areas.setdefault(area.table_id, []).append(area)
    tables = TerritoryTable.objects.all()
    return {table.slug: division_of(table.name, areas.get(table.pk, ())) for table in tables}


divisions = Kept(_load, "leads_territorytable", "leads_territoryarea")


def _column(slug: str) -> Combinable:
    """The same in SQL: the narrowest area that holds."""
    code, region = postal_column(OuterRef("contact__postal_code")), Fold(OuterRef("contact__region"))
    by_code = Q(_begins(code, "low", GreaterThanOrEqual)) & Q(_begins(code, "high", LessThanOrEqual))
    holds = (
        Q(low="", region_key="") | (Q(low="") & ~Q(region_key="") & Q(region_key=region)) | (Q(low__gt="") & by_code)
    )
    areas = TerritoryArea.objects.filter(holds, table__slug=slug, country=OuterRef("contact__country"))
    narrowest = areas.order_by(Length("low").desc(), Length("region_key").desc(), "pk")
    return Subquery(narrowest.values("territory")[:1], output_field=CharField())


def _begins(code: Combinable, end: str, compare: Any) -> Any:
    length = Length(F(end), output_field=IntegerField())
    return compare(Collate(Left(code, length, output_field=TextField()), "C"), F(end))


def _fact(slug: str, name: str, territories: Sequence[str]) -> Fact:
    def read(bundle: Bundle) -> str | None:
        known = divisions().get(slug)
        return known.of_contact(bundle.lead.contact) if known else None

    def column(at: datetime) -> Combinable:
        return _column(slug)

    label = name or slug
    return Fact(f"{PREFIX}.{slug}", "text", label, label, read, column, options=tuple(territories))


def _make(slug: str) -> Fact | None:
    known = divisions().get(slug)
    return _fact(slug, known.name, known.territories) if known else None


def _of(bundles: list[Bundle]) -> dict[int, dict[str, Any]]:
    known = divisions()
    if not known:
        return {}
    return {
        bundle.lead.pk: {f"{PREFIX}.{slug}": one.of_contact(bundle.lead.contact) for slug, one in known.items()}
        for bundle in bundles
    }


def _listed() -> list[Fact]:
    return [_fact(slug, one.name, one.territories) for slug, one in divisions().items()]


TERRITORIES = Family(PREFIX, _make, _of, _listed)
