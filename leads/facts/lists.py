"""Whether a lead's company stands on a list: ``list.<slug>``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Func, OuterRef, Q, TextField, Value
from django.db.models.expressions import Combinable

from leads.configuration import Kept
from leads.facts.fact import Bundle, Fact, Family
from leads.facts.makers import email_domain
from leads.fold import Fold, fold
from leads.models import NamedList, NamedListEntry

PREFIX = "list"


@dataclass(frozen=True)
class Keys:
    """A list as it is compared."""

    name: str
    kind: str
    keys: frozenset[str]

    def holds(self, bundle: Bundle) -> bool:
        """Whether the lead's company stands there; a list of domains also knows the domain of the address."""
        company = bundle.lead.contact.company
        if self.kind == NamedList.Kind.COMPANY:
            return bool(company and company.name_key in self.keys)
        domains = (company.domain if company else None, email_domain(bundle))
        return any(fold(domain) in self.keys for domain in domains if domain)


def _load() -> dict[str, Keys]:
    keys: dict[int, set[str]] = {}
    for list_id, key in NamedListEntry.objects.values_list("named_list", "key"):
        keys.setdefault(list_id, set()).add(key)
    return {one.slug: Keys(one.name, one.kind, frozenset(keys.get(one.pk, ()))) for one in NamedList.objects.all()}


named_lists = Kept(_load, "leads_namedlist", "leads_namedlistentry")


def _column(slug: str, kind: str) -> Combinable:
    entries = NamedListEntry.objects.filter(named_list__slug=slug)
    company = OuterRef("contact__company__name_key" if kind == NamedList.Kind.COMPANY else "contact__company__domain")
    holds = Q(key=company if kind == NamedList.Kind.COMPANY else Fold(company))
    if kind == NamedList.Kind.DOMAIN:
        address = Func(OuterRef("contact__email"), Value("@([^@]+)$"), function="substring", output_field=TextField())
        holds |= Q(key=Fold(address))
    return Exists(entries.filter(holds))


def _fact(slug: str, keys: Keys) -> Fact:
    def read(bundle: Bundle) -> bool:
        known = named_lists().get(slug)
        return bool(known and known.holds(bundle))

    def column(at: datetime) -> Combinable:
        return _column(slug, keys.kind)

    english, german = f"the company is on the list “{keys.name}”", f"das Unternehmen steht auf der Liste „{keys.name}“"
    return Fact(f"{PREFIX}.{slug}", "bool", english, german, read, column)


def _make(slug: str) -> Fact | None:
    known = named_lists().get(slug)
    return _fact(slug, known) if known else None


def _of(bundles: list[Bundle]) -> dict[int, dict[str, Any]]:
    known = named_lists()
    return {
        bundle.lead.pk: {f"{PREFIX}.{slug}": one.holds(bundle) for slug, one in known.items()} for bundle in bundles
    }


LISTS = Family(PREFIX, _make, _of, lambda: [_fact(slug, one) for slug, one in named_lists().items()])
