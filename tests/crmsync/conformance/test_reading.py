"""P01–P06: no change over there is missed, whatever the clocks and the pages do."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crmsync.adapters.base import DEAL, Window
from crmsync.models import Cursor, InboxEvent, Opportunity
from crmsync.services import breaker
from crmsync.services import pull as pulling
from leadmgmt.core.now import now
from tests.crmsync.conformance.conftest import every, over
from tests.crmsync.conformance.steps import link_of, make, poll, push, soon, there
from tests.crmsync.things import converted

pytestmark = pytest.mark.django_db

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def amount_of(opportunity):
    return Opportunity.objects.get(pk=opportunity.pk).amount


@every
def test_p00_an_edit_over_there_arrives(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)

    stand.edit(remote_id, amount=Decimal("4711.50"))
    poll(crm)

    assert amount_of(opportunity) == Decimal("4711.50")
    assert link_of(opportunity).shadow["amount"] == "4711.5"


@every
def test_p00_a_lost_deal_arrives_with_its_reason(stand, crm):
    lead, opportunity, remote_id = there(stand, crm)
    if stand.name == "local":
        stand.edit(remote_id, stage=stand.lost, lost_reason=stand.reason)
    else:
        stand.edit(remote_id, lost_reason=stand.reason)
        stand.edit(remote_id, stage=stand.lost)

    poll(crm)

    opportunity.refresh_from_db()
    lead.refresh_from_db()
    assert (opportunity.stage, lead.stage) == ("lost", "recycled")
    assert opportunity.loss_reason == crm.loss_reasons.get(remote=stand.reason).reason


@over("local", "salesforce", "small_hubspot", "odoo", "tryton")
def test_p01_a_row_that_becomes_visible_late_is_found(stand, crm):
    """Stamped at the beginning of its transaction, while a poll has gone past that moment already."""
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)

    stand.backdate(remote_id, 9, amount=Decimal("777"))
    poll(crm)

    assert amount_of(opportunity) == Decimal("777")


def read_all(adapter, limit, hi=None):
    """Every page of everything; fails where it does not end."""
    window, token, found = Window(EPOCH, hi or now() + timedelta(minutes=1)), None, []
    for _ in range(600):
        page = adapter.changes(DEAL, window, token, limit, soon(60))
        found += [one.remote_id for one in page.items]
        token = page.next_token
        if token is None:
            return found
    raise AssertionError("The pages do not end.")


@over("local", "salesforce", "small_hubspot", "odoo", "tryton")
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_p02_equal_stamps_over_the_edge_of_a_page(stand, crm, limit):
    wanted = stand.crowd(7)

    found = read_all(stand.adapter(crm), limit)

    assert set(found) == wanted


@over("local", "salesforce", "small_hubspot", "odoo", "tryton")
def test_p02_ten_thousand_rows_of_one_instant_all_come_once_and_the_reading_ends(stand, crm):
    wanted = stand.crowd(10_001)
    limit = 100 if stand.name == "hubspot" else 1000

    found = read_all(stand.adapter(crm), limit)

    assert set(found) == wanted
    # The page that showed that one instant fills it may be read twice.
    assert len(found) <= len(wanted) + limit


@every
def test_p02_pages_of_one_all_arrive(stand, crm, monkeypatch):
    adapter = stand.adapter(crm)
    made = {make(adapter, stand, number).remote_id for number in range(1, 6)}
    monkeypatch.setattr(pulling, "PAGE", 1)

    poll(crm)

    assert set(InboxEvent.objects.filter(connection=crm).values_list("remote_id", flat=True)) == made


@over("odoo", "salesforce", "tryton")
def test_p03_two_edits_within_one_second_both_count(stand, crm):
    """Two states with stamps that look the same; and a record that was never changed has no stamp at all."""
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)
    for amount in (Decimal("1"), Decimal("2"), Decimal("3")):
        stand.edit(remote_id, amount=amount)
        poll(crm)

    assert amount_of(opportunity) == Decimal("3")


@over("salesforce", "odoo")
@pytest.mark.parametrize("minutes", [-10, 10])
def test_p04_a_clock_that_is_off_misses_nothing(stand, crm, minutes):
    stand.crm.skew = timedelta(minutes=minutes)
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)
    stand.edit(remote_id, amount=Decimal("55"))
    poll(crm)

    assert amount_of(opportunity) == Decimal("55")
    assert Cursor.objects.get(connection=crm, kind=DEAL).position <= datetime.now(UTC) + stand.crm.skew


@over("salesforce", "odoo")
def test_p04_a_clock_that_jumps_back_an_hour_misses_nothing(stand, crm):
    stand.crm.skew = timedelta(minutes=10)
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)
    stand.crm.skew = timedelta(minutes=-50)
    stand.edit(remote_id, amount=Decimal("66"))
    poll(crm)

    assert amount_of(opportunity) == Decimal("66")


@every
def test_p05_a_row_that_changes_while_pages_are_read_ends_right(stand, crm, monkeypatch):
    _, opportunity, remote_id = there(stand, crm)
    adapter = stand.adapter(crm)
    for number in range(1, 4):
        make(adapter, stand, number)
    monkeypatch.setattr(pulling, "PAGE", 1)
    real, seen = pulling.store, []

    def store(*args, **kwargs):
        if not seen:
            seen.append(True)
            stand.edit(remote_id, amount=Decimal("88"))
        return real(*args, **kwargs)

    monkeypatch.setattr(pulling, "store", store)
    poll(crm)
    poll(crm)

    assert amount_of(opportunity) == Decimal("88")


@over("salesforce", "small_hubspot", "odoo", "tryton")
def test_p06_a_page_that_fails_leaves_the_cursor_and_can_be_read_again(stand, crm, monkeypatch):
    """The records were changed an hour ago, further back than a cursor at this moment would look again."""
    adapter = stand.adapter(crm)
    made = {make(adapter, stand, number).remote_id for number in range(1, 5)}
    for number, remote_id in enumerate(sorted(made)):
        stand.backdate(remote_id, 3600 + number, name=f"Backdated {number}")
    monkeypatch.setattr(pulling, "PAGE", 2)
    pages = []

    def failing(*request):
        if stand.is_write(*request) or not _is_page(stand, request):
            return False
        pages.append(request)
        return len(pages) == 2

    stand.proxy.add("half", on=failing)
    poll(crm)
    assert stand.proxy.fired["half"] == 1
    assert InboxEvent.objects.filter(connection=crm).count() == 2
    assert Cursor.objects.get(connection=crm, kind=DEAL).position < now() - timedelta(minutes=30)

    breaker.forget(crm.pk)
    poll(crm)

    assert set(InboxEvent.objects.filter(connection=crm).values_list("remote_id", flat=True)) == made
    assert not Cursor.objects.get(connection=crm, kind=DEAL).token


def _is_page(stand, request):
    _, path, body = request
    marks = {
        "salesforce": "SystemModstamp+%3E" in path,
        "hubspot": path.endswith("/deals/search"),
        "odoo": b"write_date" in body and b"search_read" in body,
        "tryton": b"search_read" in body and b"write_date" in body,
    }
    return marks[stand.name]


@every
def test_p06_reading_the_same_twice_stores_it_once(stand, crm):
    there(stand, crm)
    poll(crm)
    count = InboxEvent.objects.count()

    poll(crm)

    assert InboxEvent.objects.count() == count


@every
def test_p07_what_others_keep_there_is_no_concern_of_ours(stand, crm):
    make(stand.adapter(crm), stand)
    _, opportunity = converted()
    push(crm)

    poll(crm)

    assert Opportunity.objects.count() == 1
    assert amount_of(opportunity) == opportunity.amount
