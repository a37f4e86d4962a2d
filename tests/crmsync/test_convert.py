"""The conversion: by itself or by a click, to which AE and why, for how much."""

from datetime import timedelta
from decimal import Decimal

import pytest

from crmsync.models import Opportunity
from crmsync.services.choose import NoAe, why_sentence
from crmsync.services.convert import NotConvertible, convert_by_itself, convert_lead, nudge_waiting
from crmsync.services.money import read_money
from leadmgmt.core.now import now
from leads.events import record_event
from leads.lifecycle import Cause, to_sql
from leads.models import Team, User
from routing.models import Absence
from tests.crmsync.things import kinds, make_crm, make_sql, read
from tests.factories import make_lead, make_rep, make_user
from tests.worker import drain

pytestmark = pytest.mark.django_db


def stage_sql(lead):
    return record_event(lead, "stage.sql", quiet=True)


def test_by_itself_as_soon_as_it_is_an_sql():
    make_crm()
    ae = make_user("ae")
    lead = make_sql()

    event = stage_sql(lead)
    convert_by_itself(lead, event)
    convert_by_itself(read(lead), event)

    lead = read(lead)
    deal = Opportunity.objects.get()
    assert (lead.stage, lead.ae, deal.owner, deal.qualified_by) == ("opportunity", ae, ae, lead.owner)
    assert deal.amount == Decimal(30000)
    assert kinds(lead)[-3:] == ["opportunity.created", "handoff.offered", "stage.opportunity"]


def test_a_team_that_wants_a_click_waits_for_it():
    make_crm()
    make_user("ae")
    lead = make_sql()
    Team.objects.update(converts_by_itself=False)

    convert_by_itself(read(lead), stage_sql(lead))

    assert read(lead).stage == "sql"
    assert convert_lead(lead.pk, by=lead.owner) == convert_lead(lead.pk, by=lead.owner)
    assert read(lead).stage == "opportunity"


def test_without_an_ae_it_stays_an_sql_visibly_until_there_is_one():
    make_crm()
    lead = make_sql()

    for _ in range(2):
        convert_by_itself(read(lead), stage_sql(lead))
    assert read(lead).stage == "sql"
    assert lead.events.get(kind="conversion.waiting").data["why"].startswith("Nobody has the role AE yet.")
    with pytest.raises(NoAe):
        convert_lead(lead.pk, by=lead.owner)
    assert nudge_waiting(now()) == 0

    make_user("ae")
    assert nudge_waiting(now()) == 1
    drain()
    assert read(lead).stage == "opportunity"


@pytest.mark.parametrize("stage", ["new", "mql", "won", "recycled"])
def test_only_an_sql_is_converted(stage):
    make_crm()
    make_user("ae")
    lead = make_lead(stage=stage)

    with pytest.raises(NotConvertible):
        convert_lead(lead.pk, by=None)

    assert read(lead).stage == stage
    assert not Opportunity.objects.exists()


def test_the_owner_of_the_account_comes_first():
    make_crm()
    make_user("ae")
    owner = make_user("ae")
    lead = make_sql()
    lead.contact.company.account_owner = owner
    lead.contact.company.save()

    deal = convert_lead(lead.pk, by=None)

    assert deal.owner == owner
    assert why_sentence(deal.handoffs.get().why) == "Yours because you own the account."


def test_the_fewest_open_deals_decide_then_who_waited_longest():
    make_crm()
    first, second = make_user("ae"), make_user("ae")

    owners = [convert_lead(make_sql().pk, by=None).owner for _ in range(4)]

    assert owners == [first, second, first, second]


def test_whoever_is_away_or_takes_none_is_passed_over():
    make_crm()
    away, closed, here = make_user("ae"), make_user("ae"), make_user("ae")
    Absence.objects.create(rep=make_rep(away), starts_at=now() - timedelta(days=1), ends_at=now() + timedelta(days=1))
    make_rep(closed, is_accepting=False)

    assert {convert_lead(make_sql().pk, by=None).owner for _ in range(3)} == {here}

    User.objects.filter(pk=here.pk).update(is_active=False)
    with pytest.raises(NoAe, match="Every AE is away"):
        convert_lead(make_sql().pk, by=None)


def test_the_ae_has_four_hours_of_their_own_work():
    make_crm()
    ae = make_user("ae", time_zone="Europe/Berlin")
    rep = make_rep(ae, always=False)
    for day in range(5):
        rep.shifts.create(weekday=day, starts_at="09:00", ends_at="17:00")
    friday = now().replace(year=2026, month=11, day=20, hour=14, minute=0, second=0, microsecond=0)

    deal = convert_lead(make_sql(at=friday).pk, by=None, at=friday)

    # Friday 15:00 in Berlin: two hours until 17:00, two more from Monday 9:00.
    assert deal.handoffs.get().due_at.isoformat() == "2026-11-23T10:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("€ 30,000 a year", 30000),
        ("30.000,50 EUR", Decimal("30000.50")),
        ("30 000", 30000),
        ("1,234,567.89", Decimal("1234567.89")),
        ("about 30k", 30000),
        ("2 Mio", 2000000),
        ("30 Tsd. Euro", 30000),
        ("between 10 and 20", None),
        ("not yet decided", None),
        ("0", None),
    ],
)
def test_an_amount_is_read_where_there_is_exactly_one(text, amount):
    assert read_money(text) == amount


def test_the_pipeline_converts_when_the_stage_is_reached():
    make_crm()
    make_user("ae")
    lead = make_lead(stage="mql", owner=make_user("sdr"))

    to_sql(lead.pk, Cause(by="test"))
    drain()

    assert read(lead).stage == "opportunity"
