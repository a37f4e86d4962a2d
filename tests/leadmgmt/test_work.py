"""How the work is spread: the order in which leads are taken, what pools owe, and who does what."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import RequestFactory

from leadmgmt.core.now import moment
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.tables import team_tables
from leadmgmt.reports.turns import LEAST, out_of_turn, turns
from leadmgmt.reports.work import work
from leads.cohort import narrow
from leads.models import Lead, User
from qualification.models import Activity, Score, ScoringModel
from routing.models import Assignment, LedgerEntry
from tests.factories import make_clock, make_lead, make_policy, make_pool, make_rep, make_user
from tests.leadmgmt.report_story import NOW, past
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db


def promised_to(user: User, *, came: float, due: float, touched: float | None, points: int = 50) -> Lead:
    """A lead that came, is due and was touched so many minutes after a common beginning."""
    begin = past(2)
    at = begin + timedelta(minutes=came)
    lead = make_lead(at=at)
    Assignment.objects.create(lead=lead, user=user, reason="rule", starts_at=at)
    stopped = begin + timedelta(minutes=touched) if touched is not None else None
    make_clock(
        lead, due_at=begin + timedelta(minutes=due), policy=make_policy(15), touched_at=stopped, stopped_at=stopped
    )
    lead.sla_clocks.update(started_at=at) if hasattr(lead, "sla_clocks") else None
    model, _made = ScoringModel.objects.get_or_create(version=1, defaults={"rules": []})
    Score.objects.create(lead=lead, model=model, at=at, fit=points, engagement=0, grade="B2")
    return lead


def test_who_takes_leads_as_they_are_due_is_never_out_of_turn() -> None:
    rep = make_user()
    for place in range(5):
        promised_to(rep, came=0, due=15 + place, touched=5 + place)

    found = turns(Filters())[rep.pk]

    assert (found.touches, found.out_of_turn, found.share, found.index) == (5, 0, 0.0, None)


def test_a_lead_taken_before_one_that_was_due_earlier_is_out_of_turn() -> None:
    rep, other = make_user(), make_user()
    first = promised_to(rep, came=0, due=15, touched=None, points=20)
    better = promised_to(rep, came=1, due=30, touched=5, points=80)
    promised_to(rep, came=6, due=10, touched=None)  # Came after it was taken.
    promised_to(other, came=0, due=5, touched=None)  # Waits for somebody else.

    found = turns(Filters())

    assert (found[rep.pk].touches, found[rep.pk].out_of_turn, found[rep.pk].better) == (1, 1, 1.0)
    assert other.pk not in found
    assert list(out_of_turn(Lead.objects.all(), rep.pk)) == [better]
    assert first.pk != better.pk


def shift(rep: User, *, picks: str, chance: random.Random, leads: int = 60) -> None:
    """Leads that all wait from the beginning on, taken one after the other in some order."""
    waiting = [(15 + place, chance.randint(1, 99)) for place in range(leads)]
    order = {
        "due": lambda: sorted(waiting),
        "best": lambda: sorted(waiting, key=lambda one: -one[1]),
        "chance": lambda: chance.sample(waiting, leads),
    }[picks]()
    for place, (due, points) in enumerate(order):
        promised_to(rep, came=0, due=due, touched=1 + place, points=points)


@pytest.mark.parametrize(("picks", "low", "high"), [("best", 0.9, 1.0), ("chance", -0.3, 0.3)])
def test_the_index_tells_picking_from_mere_disorder(picks: str, low: float, high: float) -> None:
    rep = make_user()
    shift(rep, picks=picks, chance=random.Random(3))

    found = turns(Filters())[rep.pk]

    assert found.out_of_turn >= LEAST
    assert found.index is not None
    assert low <= found.index <= high
    assert found.picks == (picks == "best")


def test_too_few_touches_say_nothing() -> None:
    rep = make_user()
    shift(rep, picks="best", chance=random.Random(1), leads=6)

    assert turns(Filters())[rep.pk].index is None


def test_load_activity_and_shares_stand_beside_each_other() -> None:
    rep = make_rep(make_user("sdr", first_name="Ada", last_name="Rep"))
    pool = make_pool(rep)
    lead = promised_to(rep.user, came=0, due=15, touched=4)
    Lead.objects.filter(pk=lead.pk).update(owner=rep.user)
    for kind in ("call", "call", "email", "note"):
        Activity.objects.create(lead=lead, kind=kind, at=past(1), by=rep.user)
    Activity.objects.create(lead=lead, kind="call", at=past(1), by=rep.user, undone_at=past(1))
    for kind, amount in (("entitlement", "0.75"), ("assignment", "-1")):
        LedgerEntry.objects.create(pool=pool, rep=rep, lead=lead, kind=kind, amount=Decimal(amount), at=past(1))

    (line,) = work(Filters())

    assert (line.has, line.done.calls, line.done.mails, line.done.touches, line.done.leads) == (1, 2, 1, 3, 1)
    assert line.due is not None
    assert (line.due.due, line.due.got, line.due.over) == (Decimal("0.75"), Decimal(1), Decimal("0.25"))
    for name, count in (("done", 1), ("turns", 0)):
        query = RequestFactory().get(line.urls[name]).GET.dict()
        assert narrow(Lead.objects.all(), query).count() == count
    (row,) = {table.name: table.rows for table in team_tables(Filters(), {})}["work"]
    assert (row["rep"], row["calls"], row["due_from_pools"], row["out_of_turn"]) == ("Ada Rep", 2, 0.75, 0)
    with moment(NOW):
        text = page(signed_in(make_user("manager")), "reports:team", period="all")
    assert "How the work is spread" in text
    assert "Ada Rep 1 2 1 0 1 0.8 1.0 0 0 % too few" in text.replace(" ", " ")
