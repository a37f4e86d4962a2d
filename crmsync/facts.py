"""What the deals say of a lead's company."""

from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable

from crmsync.models import Account, AccountDeal, Link, Opportunity
from leads.facts import Bundle, Fact, Family

NAME = "company.has_open_opportunity"
# In place of a lead: a deal of the CRM that none of our leads has led to.
OF_OTHERS = 0
OPEN = Opportunity.objects.filter(stage=Opportunity.Stage.OPEN)


def _worked_on() -> QuerySet[Account]:
    """Accounts with an open deal in a CRM that is not ours."""
    ours = Link.objects.filter(connection=OuterRef("connection"), remote_id=OuterRef("remote_id"))
    deals = AccountDeal.objects.filter(connection=OuterRef("connection"), account_remote_id=OuterRef("remote_id"))
    return Account.objects.filter(Exists(deals.filter(~Exists(ours))))


def _column() -> Combinable:
    """Whether another lead of the same company has an open deal, or the CRM knows of one."""
    others = OPEN.filter(lead__contact__company=OuterRef("contact__company")).exclude(lead=OuterRef("pk"))
    known = Q(Exists(others)) | Q(Exists(_worked_on().filter(company=OuterRef("contact__company"))))
    return ExpressionWrapper(known, BooleanField())


def _load(bundles: list[Bundle]) -> dict[int, dict[str, Any]]:
    companies = {bundle.lead.contact.company_id for bundle in bundles} - {None}
    deals: dict[int, set[int]] = {}
    if companies:
        ours = OPEN.filter(lead__contact__company__in=companies).values_list("lead__contact__company", "lead")
        others = _worked_on().filter(company__in=companies).values_list("company", Value(OF_OTHERS))
        for company, lead in ours.union(others):
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
