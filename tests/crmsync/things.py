"""The cast around a deal: an organisation with its board, an SQL, and what happens to it over there."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from crmsync import board
from crmsync.models import BoardDeal, Connection, Opportunity
from crmsync.services.convert import convert_lead
from leadmgmt.core.now import moment, now
from leadmgmt.defaults import install_defaults
from leads.models import Lead, User
from qualification.models import Answer, Question
from tests.factories import make_company, make_contact, make_lead, make_organisation, make_source, make_team, make_user
from tests.worker import drain


def make_crm() -> Connection:
    """The organisation with its defaults and the built-in board as its CRM."""
    make_organisation()
    install_defaults()
    return Connection.objects.get(slug="local")


def make_sql(*, owner: User | None = None, at: datetime | None = None, **fields: Any) -> Lead:
    """A lead with all four answers, owned by an SDR."""
    at = at or now() - timedelta(hours=1)
    if owner is None:
        owner = make_user("sdr", first_name="Sam", team=make_team("inbound"))
    contact = fields.pop("contact", None) or make_contact(
        first_name="Annika", last_name="Hoffmann", company=make_company()
    )
    fields = {"source": make_source("google-ads"), "subject": "demo", "sql_at": at, **fields}
    lead = make_lead(stage="sql", owner=owner, contact=contact, at=at, **fields)
    answers = {"budget": "€ 30,000 a year", "authority": "She signs", "need": "Excel", "timeline": "Before March"}
    for question in Question.objects.filter(key__in=answers, framework__is_active=True):
        Answer.objects.create(
            lead=lead,
            question=question,
            value=answers[question.key],
            evidence="call",
            quote=f"{question.key} quote",
            at=at,
            by=owner,
        )
    return lead


def make_deal(**fields: Any) -> tuple[Lead, Opportunity, BoardDeal]:
    """An opportunity that has reached the board."""
    lead = make_sql(**fields)
    if not User.objects.filter(groups__name="ae").exists():
        make_user("ae", first_name="Ada")
    opportunity = convert_lead(lead.pk, by=lead.owner)
    drain()
    return read(lead), Opportunity.objects.get(pk=opportunity.pk), deal_of(opportunity)


def deal_of(opportunity: Opportunity) -> BoardDeal:
    """Its record on the board."""
    return BoardDeal.objects.get(external_key=opportunity.links.get().external_key)


def read(lead: Lead) -> Lead:
    """The lead as it stands now."""
    return Lead.objects.get(pk=lead.pk)


def on_the_board(deal: BoardDeal, stage: str, **fields: Any) -> BoardDeal:
    """Somebody moves the deal on the board; nobody has told us yet."""
    if "amount" in fields:
        fields["amount"] = Decimal(fields["amount"])
    return board.move_deal(str(deal.pk), stage=stage, by="ada@ours.example", **fields)


def kinds(lead: Lead) -> list[str]:
    """The lead's history, as kinds in the order of writing."""
    return list(lead.events.order_by("pk").values_list("kind", flat=True))


def converted() -> tuple[Lead, Opportunity]:
    """An SQL and the opportunity that it has become; nothing is sent yet."""
    lead = make_sql()
    return lead, convert_lead(lead.pk, by=lead.owner)


def later(**span: float) -> AbstractContextManager[None]:
    """Within this block it is that much later."""
    return moment(now() + timedelta(**span))
