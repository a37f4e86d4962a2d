"""Several people of one company: one deal where somebody says so or the policy does, and all of them follow it."""

import pytest
from django.test import Client

from crmsync.models import BoardDeal, Connection, Handoff, Joined, Opportunity
from crmsync.services.convert import HasOpenDeal, convert_by_itself, convert_lead, nudge_asked
from crmsync.services.handoff import refuse_handoff
from crmsync.services.pull import pull_connection
from leadmgmt.audit import run
from leadmgmt.audit.of_crm import CHECKS
from leadmgmt.core.now import now
from leads.events import record_event
from leads.models import Organisation
from routing.models import Notification
from tests.crmsync.things import deal_of, kinds, make_crm, make_deal, make_sql, on_the_board, read
from tests.factories import make_contact
from tests.worker import drain

pytestmark = pytest.mark.django_db


def policy(value):
    Organisation.objects.update(joins_deals=value)


def second_sql(lead, **fields):
    """Another person of the same company, an SQL as well."""
    fields = {"first_name": "Jens", "last_name": "Maurer", "email": "jens@rheintal.example", **fields}
    return make_sql(contact=make_contact(company=lead.contact.company, **fields))


def over_there(deal, stage, **fields):
    """The AE moves the deal, and we hear of it."""
    on_the_board(deal, stage, **fields)
    pull_connection(Connection.objects.get(slug="local").pk)
    drain()


def breaches():
    return [found for _, found in run(CHECKS) if found]


def by_itself(lead):
    convert_by_itself(read(lead), record_event(lead, "stage.sql", quiet=True))
    drain()
    return read(lead)


@pytest.fixture
def first():
    """A deal of the company that is open."""
    make_crm()
    return make_deal()


def test_by_itself_its_sdr_is_asked_once(first):
    lead, *_ = first
    second = second_sql(lead)

    by_itself(second)
    by_itself(second)

    assert read(second).stage == "sql"
    assert kinds(second).count("conversion.asked") == 1
    assert (
        Notification.objects.filter(kind="conversion.asked", user=second.owner).values("occasion").distinct().count()
        == 1
    )
    assert Opportunity.objects.count() == 1


def test_the_page_asks_and_joining_makes_no_second_deal(first):
    lead, opportunity, _ = first
    second = second_sql(lead)
    client = Client()
    client.force_login(second.owner)

    panel = client.get(f"/leads/{second.pk}/crm/").content.decode()
    assert "Somebody works on this company already." in panel
    assert opportunity.name in panel

    client.post(f"/leads/{second.pk}/convert/", {"way": f"ours:{opportunity.pk}"})
    drain()

    assert (read(second).stage, read(second).ae) == ("opportunity", opportunity.owner)
    assert (Opportunity.objects.count(), BoardDeal.objects.count(), Handoff.objects.count()) == (1, 1, 1)
    assert "Jens Maurer" in deal_of(opportunity).history
    assert Notification.objects.filter(kind="opportunity.joined", user=opportunity.owner).exists()
    assert "Joined; the deal began with Annika Hoffmann." in client.get(f"/leads/{second.pk}/crm/").content.decode()
    assert not breaches()


def test_a_click_without_a_word_asks_and_one_of_its_own_is_made(first):
    lead, *_ = first
    second = second_sql(lead)

    with pytest.raises(HasOpenDeal, match="join it, or make one of its own"):
        convert_lead(second.pk, by=second.owner)
    assert read(second).stage == "sql"

    own = convert_lead(second.pk, by=second.owner, way="own")
    assert own.lead == second
    assert Opportunity.objects.filter(stage="open").count() == 2


def test_the_policy_joins_or_makes_its_own(first):
    lead, opportunity, _ = first
    policy("join")
    joined = by_itself(second_sql(lead))
    assert (joined.stage, Joined.objects.get().opportunity) == ("opportunity", opportunity)
    # Twice, or two at once: it is in the deal already.
    assert convert_lead(joined.pk, by=None) == opportunity

    policy("own")
    third = by_itself(second_sql(lead, last_name="Third", email="third@rheintal.example"))
    assert Opportunity.objects.get(lead=third).stage == "open"


def test_a_deal_that_is_over_is_not_joined(first):
    lead, opportunity, deal = first
    second = second_sql(lead)
    over_there(deal, "Won", amount="900")

    with pytest.raises(HasOpenDeal, match="over by now"):
        convert_lead(second.pk, by=second.owner, way=f"ours:{opportunity.pk}")
    assert read(second).stage == "sql"


def test_once_nothing_is_left_to_be_asked_about_it_goes_on_by_itself(first):
    lead, _, deal = first
    second = by_itself(second_sql(lead))
    assert nudge_asked(now()) == 0

    over_there(deal, "Lost", lost_reason="Price")

    assert nudge_asked(now()) == 1
    drain()
    assert read(second).stage == "opportunity"


@pytest.fixture
def joined(first):
    lead, opportunity, deal = first
    second = second_sql(lead)
    convert_lead(second.pk, by=second.owner, way=f"ours:{opportunity.pk}")
    drain()
    return lead, second, opportunity, deal


def test_a_win_is_everybodys_and_its_money_counts_once(joined):
    lead, second, _, deal = joined
    over_there(deal, "Won", amount="900")

    assert (read(lead).stage, read(second).stage) == ("won", "won")
    assert read(second).events.get(kind="stage.won").data.get("amount") is None
    assert Joined.objects.get().left_at is not None
    assert not breaches()

    # Reopened: both come back.
    over_there(deal, "Demo")
    assert (read(lead).stage, read(second).stage) == ("opportunity", "opportunity")
    assert Joined.objects.get().left_at is None
    assert not breaches()


def test_a_loss_recycles_all_with_its_reason(joined):
    lead, second, _, deal = joined
    over_there(deal, "Lost", lost_reason="Price")

    assert (read(lead).stage, read(second).stage) == ("recycled", "recycled")
    assert read(lead).reason == read(second).reason
    assert read(lead).wake_at == read(second).wake_at


def test_a_refused_handoff_sends_all_back(joined):
    lead, second, opportunity, _ = joined
    handoff = opportunity.handoffs.get()
    refuse_handoff(handoff.pk, by=handoff.ae, reason="wrong-person")
    drain()

    assert (read(lead).stage, read(second).stage) == ("mql", "mql")
    assert read(second).owner is not None
