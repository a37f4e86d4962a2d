"""W01–W03: what a CRM calls us with is verified, kept, and only ever a reason to look."""

import base64
import hashlib
import hmac
import json
import random
from datetime import timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest

from crmsync.due import hints_due
from crmsync.models import Connection, Hint, HookRefusal, Link, Opportunity
from crmsync.services.hints import follow_hints
from leadmgmt.core.now import moment, now
from tests.crmsync.conformance.conftest import over
from tests.crmsync.conformance.steps import link_of, poll, push, there
from tests.crmsync.stands.salesforce import ORGANISATION
from tests.crmsync.things import converted

pytestmark = pytest.mark.django_db

PUBLIC = "http://localhost:8000"
GOOD = "hook-canary-1"


def address(connection, secret=""):
    return f"/api/v1/hooks/crm/{connection.slug}/" + (f"{secret}/" if secret else "")


def event(number, **more):
    return {
        "eventId": 100,
        "portalId": 62515,
        "subscriptionType": "deal.propertyChange",
        "propertyName": "amount",
        "propertyValue": "1",
        "objectId": int(number),
        "occurredAt": 1_790_000_000_000,
        **more,
    }


def hubspot(client, connection, events, *, secret=GOOD, at=None, change=None, **headers):
    """As HubSpot signs and sends it; ``change`` tampers with the request after it was signed."""
    body = json.dumps(events).encode() if not isinstance(events, bytes) else events
    sent = str(round((at or now()).timestamp() * 1000))
    said = b"POST" + f"{PUBLIC}{address(connection)}".encode() + body + sent.encode()
    signature = base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()
    given = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": sent, **headers}
    given = {name: value for name, value in given.items() if value is not None}
    path, method = address(connection), client.post
    if change == "body":
        body = body.replace(b"100", b"101")
    elif change == "address":
        path += "?again=1"
    return method(path, body, content_type="application/json", headers=given)


def message(*notifications, organisation=ORGANISATION):
    """An outbound message."""
    inner = "".join(
        f"<Notification><Id>04l{number:012d}</Id><sObject xsi:type='sf:Opportunity'"
        f" xmlns:sf='urn:sobject.enterprise.soap.sforce.com'><sf:Id>{record}</sf:Id>"
        f"<sf:Amount>1</sf:Amount></sObject></Notification>"
        for number, record in notifications
    )
    return (
        "<soapenv:Envelope xmlns:soapenv='http://schemas.xmlsoap.org/soap/envelope/'"
        " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><soapenv:Body>"
        "<notifications xmlns='http://soap.sforce.com/2005/09/outbound'>"
        f"<OrganizationId>{escape(organisation)}</OrganizationId><SessionId>never-used</SessionId>{inner}"
        "</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def salesforce(client, connection, body, secret=GOOD):
    return client.post(address(connection, secret), body, content_type="text/xml")


def odoo(client, connection, number, secret=GOOD):
    told = {"_id": int(number), "_model": "crm.lead", "_action": "Changed(#1)"}
    return client.post(address(connection, secret), json.dumps(told), content_type="application/json")


def call(client, stand, connection, number):
    """One webhook about one record."""
    if stand.name == "hubspot":
        return hubspot(client, connection, [event(number)])
    if stand.name == "salesforce":
        return salesforce(client, connection, message((1, number)))
    return odoo(client, connection, number)


def follow(connection):
    with moment(now() + timedelta(seconds=3)):
        return follow_hints(connection.pk)


hooked = over("salesforce", "hubspot", "odoo")


@hooked
def test_w01_fifty_times_the_same_webhook_is_one_look(client, stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)
    stand.edit(remote_id, amount=Decimal("777"))
    calls = stand.proxy.calls

    answers = [call(client, stand, crm, remote_id) for _ in range(50)]
    looked = follow(crm)

    assert {answer.status_code for answer in answers} == {200}
    assert Hint.objects.count() == 1
    assert looked == "1 of 1 read"
    assert stand.proxy.calls - calls <= 3
    assert Opportunity.objects.get(pk=opportunity.pk).amount == Decimal("777")
    assert follow(crm) == "0 of 0 read"


@over("hubspot")
def test_w01_shuffled_and_a_day_late_ends_with_what_stands_there(client, stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    events = [event(remote_id, eventId=number, occurredAt=1_790_000_000_000 + number) for number in range(20)]
    for amount in (1, 2, 3):
        stand.edit(remote_id, amount=Decimal(amount))
    random.Random(7).shuffle(events)

    with moment(now() + timedelta(days=1)):
        hubspot(client, crm, events)
        follow(crm)

    assert Opportunity.objects.get(pk=opportunity.pk).amount == Decimal("3")


@hooked
def test_w01_before_the_answer_to_our_own_create_it_makes_no_second_link(client, stand, crm):
    _, opportunity = converted()
    real = stand.proxy.forward
    seen = []

    def forward(request, headers):
        answer = real(request, headers)
        for remote_id in [] if seen else stand.deals():
            seen.append(remote_id)
            call(client, stand, crm, remote_id)
        return answer

    stand.proxy.forward = forward
    try:
        push(crm)
    finally:
        stand.proxy.forward = real
    follow(crm)

    assert seen
    assert Link.objects.filter(connection=crm).count() == 1
    assert link_of(opportunity).remote_id == stand.only()[0]


@hooked
def test_w01_a_deletion_is_confirmed_by_a_look(client, stand, crm):
    _, opportunity, remote_id = there(stand, crm)

    call(client, stand, crm, remote_id)
    follow(crm)
    assert link_of(opportunity).state == "linked"

    stand.delete(remote_id)
    with moment(now() + timedelta(minutes=1)):
        Hint.objects.all().delete()
        call(client, stand, crm, remote_id)
        follow(crm)
    assert link_of(opportunity).state == "remote_deleted"
    opportunity.refresh_from_db()
    assert opportunity.stage == "open"


@over("hubspot")
@pytest.mark.parametrize(
    "how",
    [
        {"secret": "wrong"},
        {"x-hubspot-signature-v3": None},
        {"x-hubspot-request-timestamp": None},
        {"x-hubspot-request-timestamp": "soon"},
        {"x-hubspot-signature-v3": "ünïcode"},
        {"at": -301},
        {"at": 61},
        {"change": "body"},
        {"change": "address"},
    ],
)
def test_w02_what_is_not_signed_for_us_now_is_refused_and_leaves_no_row(client, stand, crm, how):
    if isinstance(how.get("at"), int):
        how = {**how, "at": now() + timedelta(seconds=how["at"])}

    answer = hubspot(client, crm, [event(1)], **how)

    assert answer.status_code == 401
    assert not Hint.objects.exists()
    assert HookRefusal.objects.get().count == 1
    hubspot(client, crm, [event(1)], **how)
    assert HookRefusal.objects.get().count == 2


@over("hubspot")
@pytest.mark.parametrize("secret", ["hook-canary-1", "hook-canary-2"])
def test_w02_both_secrets_hold_while_one_replaces_the_other(client, stand, crm, secret):
    assert hubspot(client, crm, [event(1)], secret=secret).status_code == 200
    assert hubspot(client, crm, [event(2)], at=now() - timedelta(seconds=290), secret=secret).status_code == 200
    assert Hint.objects.count() == 2


@over("hubspot")
def test_w02_the_method_is_signed_too(client, stand, crm):
    assert client.get(address(crm)).status_code == 405


@over("hubspot")
def test_w02_a_secret_store_that_fails_asks_for_another_try(client, stand, crm):
    Connection.objects.filter(pk=crm.pk).update(secret="cannot be opened")

    assert hubspot(client, crm, [event(1)]).status_code == 503
    assert not Hint.objects.exists()


@over("salesforce", "odoo")
@pytest.mark.parametrize("secret", ["", "wrong", "ünïcode"])
def test_w02_an_address_without_our_secret_is_refused(client, stand, crm, secret):
    send = salesforce if stand.name == "salesforce" else odoo
    body = message((1, "0065g00000000001AA")) if stand.name == "salesforce" else 1

    assert send(client, crm, body, secret).status_code == 401
    assert not Hint.objects.exists()


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><a>&lol2;</a>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"""


@over("salesforce")
@pytest.mark.parametrize("body", [BOMB, OUTSIDE, b"no xml", b"", b"\xff\xfe"])
def test_w03_xml_that_is_no_plain_message_is_refused(client, stand, crm, body):
    assert salesforce(client, crm, body).status_code == 400
    assert not Hint.objects.exists()


@over("salesforce", "hubspot")
def test_w03_two_megabytes_are_refused_unread(client, stand, crm):
    body = b"[" + b" " * (2 * 1024 * 1024) + b"]"

    answer = salesforce(client, crm, body) if stand.name == "salesforce" else hubspot(client, crm, body)

    assert answer.status_code == 413
    assert not Hint.objects.exists()


@over("salesforce")
def test_w03_a_hundred_notifications_are_taken_and_acknowledged(client, stand, crm):
    ids = [(number, f"0065g00000{number:05d}") for number in range(100)]

    answer = salesforce(client, crm, message(*ids))

    assert answer.status_code == 200
    assert b"<Ack>true</Ack>" in answer.content
    assert Hint.objects.count() == 100
    assert all(len(remote_id) == 18 for remote_id in Hint.objects.values_list("remote_id", flat=True))


@over("salesforce")
def test_w03_another_organisation_is_refused(client, stand, crm):
    answer = salesforce(client, crm, message((1, "0065g00000000001AA"), organisation="00D000000000000"))

    assert answer.status_code == 401
    assert not Hint.objects.exists()


@over("hubspot")
@pytest.mark.parametrize("body", [b"{}", b"[1]", b"nothing", b"\xff"])
def test_w03_a_signed_body_that_is_no_list_of_events_is_refused(client, stand, crm, body):
    assert hubspot(client, crm, body).status_code == 400
    assert not Hint.objects.exists()


@over("hubspot")
def test_the_clock_follows_what_was_stored(client, stand, crm):
    hubspot(client, crm, [event(1)])

    assert hints_due(now()) == 0
    assert hints_due(now() + timedelta(seconds=8)) == 1


@over("hubspot")
def test_a_connection_that_is_off_or_unknown_is_not_there(client, stand, crm):
    assert client.post("/api/v1/hooks/crm/nobody/").status_code == 404
    Connection.objects.filter(pk=crm.pk).update(mode="off")
    assert hubspot(client, crm, [event(1)]).status_code == 404
