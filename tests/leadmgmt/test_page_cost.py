"""What the pages of SDR, AE and admin cost: at most fifteen queries, and as many with sixty rows as with five."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crmsync.models import BoardDeal, Connection, Handoff
from crmsync.services.convert import convert_lead
from leadmgmt.setup_steps import STEPS
from leads.events import record_event
from leads.models import Channel, Lead, User
from qualification.models import Activity
from routing.models import Rule, RuleSet, WaitingLead
from tests.crmsync.things import make_crm, make_sql
from tests.factories import (
    make_channel,
    make_clock,
    make_company,
    make_contact,
    make_lead,
    make_pool,
    make_rep,
    make_source,
    make_team,
    make_touchpoint,
    make_user,
)
from tests.worker import drain
from tests.world import build_world

pytestmark = pytest.mark.django_db

MOST = 15
FEW, MANY = 5, 60


@pytest.fixture
def ann() -> User:
    make_crm()
    return make_user("sdr", first_name="Ann", last_name="Ander", team=make_team("inbound"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def cost(user: User, address: str) -> list[str]:
    """The queries of one look at a page, without those of the sign-in."""
    client = signed_in(user)
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [re.sub(r"SELECT .*? FROM ", "… ", query["sql"])[:100] for query in queries]


def fill_queue(ann: User, count: int) -> None:
    """Leads of every kind: promised, followed up, agreed, put aside, waiting for anybody."""
    now = timezone.now()
    for number in range(count):
        contact = make_contact(company=make_company(), country=("DE", "AT")[number % 2])
        lead = make_lead(
            owner=ann, contact=contact, stage="mql", grade="A1", subject="demo", source=make_source("google-ads")
        )
        make_touchpoint(lead, message="We plan 45 technicians in Excel.")
        make_clock(lead)
        kind = ("no_answer", "call_back", "connected")[number % 3]
        due = now + timedelta(days=1) if kind == "call_back" else None
        Activity.objects.create(lead=lead, kind="call", disposition=kind, at=now, by=ann, due_at=due)
        if number % 5 == 4:
            Lead.objects.filter(pk=lead.pk).update(snoozed_until=now + timedelta(days=2))
        if number % 5 == 3:
            waiting = make_lead(team=ann.team, contact=make_contact(company=make_company()))
            later = now + timedelta(hours=9)
            WaitingLead.objects.create(lead=waiting, reason="Nobody is on shift.", since=now, wake_at=later)


def fill_deals(ann: User, count: int) -> None:
    """Handoffs with their deals on the board."""
    for _number in range(count):
        convert_lead(make_sql(owner=ann, contact=make_contact(company=make_company())).pk, by=ann)
    drain()


def fill_setup(version: RuleSet, count: int) -> None:
    """Everything that a step of the setup looks at, whole and broken in turns."""
    now = timezone.now()
    for number in range(count):
        rep = make_rep(always=number % 2 == 0)
        make_channel(kind=(Channel.Kind.API, Channel.Kind.FORM)[number % 2])
        make_source()
        pool = make_pool(rep) if number % 2 else make_pool()
        position = version.rules.count() + 1
        Rule.objects.create(rule_set=version, position=position, name="To a pool", destination="pool", pool=pool)
        Connection.objects.create(slug=f"crm-{position}", name="CRM", last_error="401")
        lead = make_lead(stage="mql")
        Lead.objects.filter(pk=lead.pk).update(notified_at=now)
        make_clock(lead, due_at=now - timedelta(hours=1))
        WaitingLead.objects.create(lead=lead, reason="Nobody is on shift.", since=now, wake_at=now)


def tell_much(lead: Lead, ann: User, count: int) -> None:
    """A history of so many lines."""
    for number in range(count):
        make_touchpoint(lead, at=timezone.now() - timedelta(minutes=number))
        Activity.objects.create(lead=lead, kind="note", at=timezone.now(), by=ann, body="x")
        record_event(lead, "lead.snoozed", actor=ann, data={"until": timezone.now().isoformat()}, quiet=True)


def compare(fill: Callable[[int], None], look: Callable[[], list[str]]) -> None:
    """Few rows and many cost the same, and neither costs much."""
    fill(FEW)
    few = look()
    fill(MANY - FEW)
    many = look()

    assert len(few) <= MOST, "\n".join(few)
    assert len(many) == len(few), "\n".join(many)


@pytest.mark.parametrize("query", ["", "?tab=hot", "?tab=calls", "?tab=waiting", "?grade=A&country=DE", "?q=gmbh"])
def test_the_queue(ann: User, query: str) -> None:
    compare(lambda count: fill_queue(ann, count), lambda: cost(ann, f"/queue/{query}"))


def test_the_list_of_leads(ann: User) -> None:
    compare(lambda count: fill_queue(ann, count), lambda: cost(ann, "/leads/"))


def test_a_lead_with_its_neighbours_and_its_history(ann: User) -> None:
    lead = make_lead(owner=ann, stage="mql", grade="A1", contact=make_contact(company=make_company()))
    make_clock(lead)

    def fill(count: int) -> None:
        fill_queue(ann, count)
        tell_much(lead, ann, count)

    compare(fill, lambda: cost(ann, f"/leads/{lead.pk}/"))


@pytest.mark.parametrize("address", ["/handoffs/", "/board/"])
def test_what_an_ae_opens(ann: User, address: str) -> None:
    ada = make_user("ae", first_name="Ada", last_name="Ae")

    compare(lambda count: fill_deals(ann, count), lambda: cost(ada, address))


def test_one_handoff_and_its_deal(ann: User) -> None:
    ada = make_user("ae", first_name="Ada", last_name="Ae")
    fill_deals(ann, 1)
    handoff, deal = Handoff.objects.get(), BoardDeal.objects.get()

    for address in (f"/handoffs/{handoff.pk}/", f"/board/{deal.pk}/"):
        compare(lambda count: tell_much(handoff.opportunity.lead, ann, count), lambda: cost(ada, address))  # noqa: B023  # called at once


@pytest.mark.parametrize("step", [build.__name__ for build in STEPS])
def test_each_step_of_the_setup(step: str) -> None:
    world = build_world()
    admin = make_user("admin")

    compare(lambda count: fill_setup(world.rule_set, count), lambda: cost(admin, f"/setup/?step={step}"))
