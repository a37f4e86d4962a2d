"""The day's calls of a CRM, as it tells them: what waits when there are few, and how often is read."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from crmsync import due
from crmsync.adapters import hs_replies, sf_words
from crmsync.adapters.base import Limits
from crmsync.models import Alert, Connection, OutboxEntry
from crmsync.services import alerts, quota, rate
from crmsync.services.backfill import backfill, filling
from crmsync.services.convert import convert_lead
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.now import moment, now
from tests.crmsync.memory import CAPABILITIES
from tests.crmsync.stands.stand_own import SalesforceStand
from tests.crmsync.things import converted, later, make_crm, make_sql
from tests.factories import make_company, make_contact, make_user

pytestmark = pytest.mark.django_db


def told(connection, left, most=1000, at=None):
    Connection.objects.filter(pk=connection.pk).update(quota_left=left, quota_most=most, quota_at=at or now())
    connection.refresh_from_db()


@pytest.mark.parametrize(
    ("header", "limits"),
    [
        ("api-usage=18/5000", Limits(4982, 5000)),
        ("api-usage=25/15000; per-app-api-usage=17/250(appName=sample-app)", Limits(14975, 15000)),
        ("per-app-api-usage=17/250(appName=x), api-usage=25/15000", Limits(14975, 15000)),
        ("api-usage=6000/5000", Limits(0, 5000)),
        ("per-app-api-usage=17/250(appName=x)", None),
        ("api-usage=-3/15000", None),
        ("", None),
    ],
)
def test_what_salesforce_tells(header, limits):
    assert sf_words.limits({"sforce-limit-info": header}) == limits


def test_what_hubspot_tells():
    named = {"daily": "250000", "daily-remaining": "240000", "max": "190", "interval-milliseconds": "10000"}
    headers = {f"x-hubspot-ratelimit-{name}": value for name, value in named.items()}
    assert hs_replies.limits(headers) == Limits(240_000, 250_000, 19.0)
    del headers["x-hubspot-ratelimit-daily-remaining"]
    assert hs_replies.limits(headers) == Limits(None, 250_000, 19.0)
    assert hs_replies.limits({"x-hubspot-ratelimit-max": "many"}) is None
    assert hs_replies.limits({}) is None


@pytest.fixture
def organisation(settings):
    """A Salesforce organisation of our own, and its connection."""
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    stand = SalesforceStand()
    stand.start()
    make_crm()
    Connection.objects.update(mode="off")
    make_user("ae", first_name="Ada", email=stand.ae)
    yield stand, stand.connect()
    stand.stop()


def before(linked, count):
    """Deals that were there before their connection, on their way."""
    Connection.objects.filter(pk=linked.pk).update(mode="off")
    for number in range(count):
        contact = make_contact(first_name="Ben", last_name=f"Ode {number}", company=make_company())
        lead = make_sql(owner=make_user("sdr"), contact=contact)
        convert_lead(lead.pk, by=lead.owner)
    Connection.objects.filter(pk=linked.pk).update(mode="both")
    linked.refresh_from_db()
    assert backfill(linked) == count


def test_a_job_keeps_what_the_crm_told_and_the_page_shows_it(organisation):
    stand, linked = organisation
    converted()
    stand.crm.remaining = 12_000
    push_connection(linked.pk)
    linked.refresh_from_db()
    assert linked.quota_most == 15_000
    assert 0 <= linked.quota_left - stand.crm.remaining <= 1

    pull_connection(linked.pk)
    linked.refresh_from_db()
    assert 0 <= linked.quota_left - stand.crm.remaining <= 1
    assert linked.quota_left < 11_998
    assert linked.poll_calls >= 4
    client = Client()
    client.force_login(make_user("admin"))
    page = client.get("/setup/crm/").content.decode()
    assert f"{linked.quota_left:,} of 15,000 calls of the day left" in page


def test_what_was_there_before_stops_at_half_of_the_day_and_what_people_do_goes_on(organisation):
    stand, linked = organisation
    before(linked, 2)
    _, opportunity = converted()
    stand.crm.remaining = 7_000

    push_connection(linked.pk)

    assert [deal["name"] for deal in stand.deals().values()] == [opportunity.name]
    assert filling(linked) == 2
    OrmQ.objects.all().delete()
    with later(seconds=30):
        assert due.push_due(now()) == 0

    stand.crm.remaining = 14_000
    with later(hours=2):
        # What was told two hours ago says nothing any more.
        assert due.push_due(now()) == 1
        push_connection(linked.pk)
    assert len(stand.deals()) == 3
    assert filling(linked) == 0


def test_what_was_there_before_takes_its_share_of_the_calls(linked):
    limited = replace(CAPABILITIES, calls_per_second=10)
    assert rate.limit_of(linked, limited, rate.FILLING) == pytest.approx(3)
    linked.told_rate = 20.0
    assert rate.limit_of(linked, limited, rate.CALLS) == 20
    assert rate.limit_of(linked, limited, rate.FILLING) == pytest.approx(6)
    linked.told_rate = None
    assert rate.limit_of(linked, CAPABILITIES, rate.FILLING) is None


def test_a_job_sends_what_people_did_first_and_then_waits_for_its_share(crm, linked, monkeypatch):
    crm.can = replace(CAPABILITIES, calls_per_second=10)
    before(linked, 15)
    _, opportunity = converted()
    monkeypatch.setattr("crmsync.services.rate.time.sleep", lambda seconds: None)
    with moment(now()):
        # As time stands still: six at once, six more within the two seconds that a worker waits for its turn.
        push_connection(linked.pk)

    assert next(iter(crm.records.values())).values["name"] == opportunity.name
    assert len(crm.records) == 13
    assert filling(linked) == 3


def test_an_admin_lets_it_wait_and_go_on(crm, linked):
    before(linked, 1)
    client = Client()
    client.force_login(make_user("admin"))
    address = reverse("crmsync:connection_filling", args=[linked.slug])
    client.post(address, {"on": "no"})
    page = client.get(reverse("crmsync:connection", args=[linked.slug])).content.decode()
    assert "1 deal that was there before waits behind everything else. Paused." in " ".join(page.split())

    push_connection(linked.pk)
    assert crm.records == {}
    client.post(address, {"on": "yes"})
    push_connection(linked.pk)
    assert len(crm.records) == 1
    client.force_login(make_user("manager"))
    assert client.post(address, {"on": "no"}).status_code == 403


@pytest.mark.parametrize(
    ("most", "calls", "seconds"),
    [(None, 4, 15), (100_000, 4, 15), (15_000, 4, 76.8), (15_000, 60, 300), (15_000, 0, 15)],
)
def test_polls_take_no_more_than_their_share_of_a_day(linked, most, calls, seconds):
    Connection.objects.filter(pk=linked.pk).update(quota_most=most, poll_calls=calls, config={"poll_seconds": 15})
    linked.refresh_from_db()
    assert quota.poll_pause(linked).total_seconds() == pytest.approx(seconds)
    Connection.objects.filter(pk=linked.pk).update(last_pull_at=now())
    assert due.pull_due(now() + timedelta(seconds=seconds - 1)) == 0
    assert due.pull_due(now() + timedelta(seconds=seconds + 1)) == 1


def test_an_admin_is_told_before_the_day_is_over(linked):
    told(linked, 100)
    alerts.watch(now())
    assert not Alert.objects.exists()

    told(linked, 99)
    alerts.watch(now())
    assert list(Alert.objects.values_list("kind", "detail")) == [("quota", "99/1000")]

    told(linked, 99, at=now() - timedelta(hours=2))
    alerts.watch(now())
    assert not Alert.objects.filter(ended_at=None).exists()


def test_deals_that_wait_their_turn_for_hours_alarm_nobody(linked):
    before(linked, 1)
    with later(hours=1):
        alerts.watch(now())
    assert not Alert.objects.exists()
    OutboxEntry.objects.update(priority=0)
    with later(hours=1):
        alerts.watch(now())
    assert Alert.objects.get().kind == "old"
