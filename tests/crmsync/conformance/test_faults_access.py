"""F07–F09: a spent quota, a token that grew old, a key that is refused for good."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from crmsync.adapters.base import DEAL
from crmsync.models import Connection
from leadmgmt.core.now import moment, now
from tests.crmsync.conformance.conftest import over, wired
from tests.crmsync.conformance.steps import entry_of, make, push, rename, soon
from tests.crmsync.things import converted

pytestmark = pytest.mark.django_db

DAILY = (
    b'{"status":"error","category":"RATE_LIMITS","policyName":"DAILY","message":"You have reached your daily limit."}'
)


@over("salesforce", "hubspot")
def test_f07_a_spent_quota_rests_the_connection_and_loses_nothing(stand, crm):
    _, opportunity = converted()
    if stand.name == "salesforce":
        stand.crm.remaining = 0
    else:
        stand.proxy.add("status", on="any", status=429, body=DAILY)

    push(crm)

    entry = entry_of(opportunity)
    assert (entry.state, entry.attempts, entry.error_class) == ("ready", 0, "QuotaExhausted")
    assert Connection.objects.get(pk=crm.pk).parked_until > now() + timedelta(minutes=50)
    assert "rests" in push(crm)
    if stand.name == "salesforce":
        stand.crm.remaining = 100
    with moment(now() + timedelta(hours=1, minutes=1)):
        push(crm)
    assert entry_of(opportunity).state == "done"
    assert len(stand.deals()) == 1


@pytest.mark.django_db(transaction=True)
@over("salesforce", "tryton")
def test_f08_twenty_workers_with_a_stale_token_ask_for_one(stand, crm):
    adapter = stand.adapter(crm)
    made = make(adapter, stand)
    before = _grants(stand)
    _expire(stand)
    start = threading.Barrier(20)

    def read(_):
        try:
            start.wait()
            return stand.adapter(crm).get(DEAL, made.remote_id, soon(60)).remote_id
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(read, range(20)))

    assert found == [made.remote_id] * 20
    assert _grants(stand) - before == 1


def _expire(stand):
    if stand.name == "salesforce":
        stand.crm.tokens.clear()
    else:
        with stand.server.line(stand.server.name) as line:
            line.execute("DELETE FROM ir_session")


def _grants(stand):
    if stand.name == "salesforce":
        return stand.crm.given
    with stand.server.line(stand.server.name) as line:
        return line.execute("SELECT last_value FROM ir_session_id_seq").fetchone()[0]


@over("salesforce", "tryton")
def test_f08_the_repeat_with_a_fresh_token_is_the_same_request(stand, crm):
    adapter = stand.adapter(crm)
    make(adapter, stand)
    _expire(stand)

    written = make(adapter, stand, 2)

    assert written.created
    assert len(stand.deals()) == 2


@wired
def test_f09_a_key_that_is_refused_for_good_rests_the_connection(stand, crm):
    _, opportunity = converted()
    if stand.name == "salesforce":
        push(crm)
        rename(opportunity, "Second name")
        stand.crm.tokens.clear()
        stand.crm.is_revoked = True
    elif stand.name == "odoo":
        stand.crm.password = "another"
    else:
        stand.proxy.add("status", on="any", status=401, body=b"", times=100)
    stand.proxy.calls = 0

    push(crm)

    entry = entry_of(opportunity)
    assert stand.proxy.calls <= 3
    assert (entry.state, entry.error_class, entry.attempts) == ("ready", "AuthRevoked", 0)
    assert Connection.objects.get(pk=crm.pk).last_error.startswith("AuthRevoked")
    assert "rests" in push(crm)
