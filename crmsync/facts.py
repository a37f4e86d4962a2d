"""What the deals say of a lead's company."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.expressions import Combinable

from crmsync.models import Opportunity
from leads.facts import Bundle, Fact, Family

NAME = "company.has_open_opportunity"
OPEN = Opportunity.objects.filter(stage=Opportunity.Stage.OPEN)


def _column() -> Combinable:
    """Whether another lead of the same company has an open deal."""
    others = OPEN.filter(lead__contact__company=OuterRef("contact__company")).exclude(lead=OuterRef("pk"))
    return Exists(others)


def _load(bundles: list[Bundle]) -> dict[int, dict[str, Any]]:
    companies = {bundle.lead.contact.company_id for bundle in bundles} - {None}
    deals: dict[int, set[int]] = {}
    if companies:
        found = OPEN.filter(lead__contact__company__in=companies)
        for company, lead in found.values_list("lead__contact__company", "lead"):
            deals.setdefault(company or 0, set()).add(lead)
    return {
        bundle.lead.pk: {NAME: bool(deals.get(bundle.lead.contact.company_id or 0, set()) - {bundle.lead.pk})}
        for bundle in bundles
    }


FACT = Fact(
    NAME,
    "bool",
    "the company has an open opportunity",
    "das Unternehmen hat eine offene Verkaufschance",
    None,
    lambda at: _column(),
)
DEALS = Family("company", lambda key: FACT if f"company.{key}" == NAME else None, _load, lambda: [FACT])
